"""One connection pool to Azure Blob Storage, and single requests over it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from adlfs import AzureBlobFileSystem
from azure.core import MatchConditions
from fsspec.asyn import sync

from git_mlvers.backend.base import Forbidden
from git_mlvers.backend.logs import keep_to_itself
from git_mlvers.backend.pieces import Pieces
from git_mlvers.backend.storage_options import azure_options

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from git_mlvers.backend.patience import Patience

_T = TypeVar("_T")


class Content(NamedTuple):
    """Bytes of an object, its whole size, and the tag of its version."""

    data: bytes
    total: int
    tag: str


class AzureClient:
    """Requests to one container, from any thread. Errors are those of the cloud's client."""

    def __init__(self, container: str, options: Mapping[str, str], patience: Patience) -> None:
        keep_to_itself("azure")
        self._name = container
        self._given = azure_options(options)
        self._patience = patience
        self._lock = threading.Lock()
        self._fs: Any = None
        # Trying again is the business of `Retrying`.
        self._once = {
            "retry_total": 0,
            "connection_timeout": patience.connect,
            "read_timeout": patience.silence,
        }

    def read(self, path: str, start: int, length: int | None) -> Content:
        """A range of an object; raises when it begins behind the end."""

        async def ask(container: Any) -> Content:
            asked = {} if start == 0 and length is None else {"offset": start, "length": length}
            answers: list[Any] = []
            try:
                stream = await container.download_blob(
                    path, **asked, **self._once, raw_response_hook=answers.append
                )
                data = await stream.readall()
            finally:
                # The client leaves a connection open on which nothing came any more, also
                # when it asks once more by itself (azure-storage-blob 12.31).
                for answer in answers:
                    answer.http_response.internal_response.close()
            # The size of the whole is only to be had as the end of "bytes 0-9/10".
            total = int(str(stream.properties.content_range).rpartition("/")[2])
            return Content(bytes(data), total, str(stream.properties.etag))

        return self._run(ask)

    def write(self, path: str, data: bytes, *, overwrite: bool, token: str | None = None) -> str:
        """Write an object, over another one or not, or only over that of `token`; the new tag."""
        condition: dict[str, Any] = {"overwrite": overwrite, "raw_request_hook": self._in_pieces}
        if token is not None:
            condition |= {"etag": token, "match_condition": MatchConditions.IfNotModified}

        async def ask(container: Any) -> str:
            blob = container.get_blob_client(path)
            answer = await blob.upload_blob(data, length=len(data), **condition, **self._once)
            return str(answer["etag"])

        return self._run(ask)

    def look(self, path: str) -> Any:
        """The properties of an object."""
        return self._run(lambda c: c.get_blob_client(path).get_blob_properties(**self._once))

    def delete(self, path: str) -> None:
        """Remove an object."""
        self._run(lambda c: c.get_blob_client(path).delete_blob(**self._once))

    def pages(self, prefix: str) -> Iterator[list[Any]]:
        """All objects whose name begins with `prefix`, as the answers bring them."""
        pages: Any = None

        async def following(container: Any) -> list[Any] | None:
            nonlocal pages
            if pages is None:
                found = container.list_blobs(name_starts_with=prefix or None, **self._once)
                pages = found.by_page()
            try:
                return [item async for item in await anext(pages)]
            except StopAsyncIteration:
                return None

        while (page := self._run(following)) is not None:
            yield page

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            fs, self._fs = self._fs, None
        if fs is not None:
            sync(fs.loop, fs.service_client.close)

    def _in_pieces(self, request: Any) -> None:
        """Send the body of a write so that no server can hold us for ever."""
        body = request.http_request.data
        if isinstance(body, bytes):
            request.http_request.data = Pieces(body, self._patience.silence)

    def _run(self, ask: Callable[[Any], Awaitable[_T]]) -> _T:
        """What `ask` answers for the container."""
        with self._lock:
            if self._fs is None:
                self._fs = _connect(self._given)
            fs = self._fs
        container = fs.service_client.get_container_client(self._name)
        answer: _T = sync(fs.loop, ask, container)
        return answer


def _connect(given: dict[str, Any]) -> Any:
    try:
        return AzureBlobFileSystem(skip_instance_cache=True, use_listings_cache=False, **given)
    except ValueError as error:
        # The client's own words for any trouble with what it was given; they may repeat it.
        raise Forbidden(
            "what is configured for az:// names no account that can be used",
            "git mlvers remote modify --local NAME accountname VALUE, or set"
            " AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCOUNT_NAME",
        ) from error
