"""A store in a bucket of S3, or of what speaks its language.

Only imported when an address says ``s3://``: its client takes half a second.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from git_mlvers.backend.base import (
    BackendError,
    Capabilities,
    Conflict,
    Entry,
    KeyMissing,
    Unreachable,
    check_range,
    is_valid_key,
    validate_key,
    validate_prefix,
)
from git_mlvers.backend.patience import NORMAL
from git_mlvers.backend.s3_client import S3Client
from git_mlvers.backend.s3_errors import Place
from git_mlvers.backend.url import redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git_mlvers.backend.patience import Patience
    from git_mlvers.backend.s3_client import Answer
    from git_mlvers.backend.url import Location

CONNECTIONS = 16
"""How many requests at a time are worth it."""

PAGE = 1000
"""How many keys one request of a list brings, at most."""

_EMPTY_RANGE = ("InvalidRange", "416")


class S3Backend:
    """A `Backend` on the bucket and prefix of `location`.

    `options`: ``endpointurl``, ``region``, ``profile``, ``accesskeyid``,
    ``secretaccesskey``, ``sessiontoken``, ``anon``; what is not given comes
    from the cloud's own chain. Each verb is exactly one request (a list, one
    for each `PAGE`); nothing is tried again here. Conditions on writes are
    kept by S3 itself, and by most servers that speak its language; those that
    do not know them overwrite, so without the cloud's own endpoint
    ``create_only`` is not claimed.
    """

    def __init__(
        self, location: Location, options: Mapping[str, str], patience: Patience = NORMAL
    ) -> None:
        endpoint = options.get("endpointurl")
        self.url = location.url
        self.capabilities = Capabilities(
            endpoint is None, True, True, CONNECTIONS, may_create_only=True
        )
        self._bucket = location.host
        self._prefix = f"{location.path}/" if location.path else ""
        self._place = Place(self.url, self._bucket, redact(endpoint) if endpoint else None)
        self._options = options
        self._patience = patience
        self._lock = threading.Lock()
        self._client: S3Client | None = None
        self._bucket_seen = False
        self._bare_tags = False

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See `Backend.get`."""
        check_range(start, length)
        if length == 0:
            return self._nothing_of(key)
        ranged = start > 0 or length is not None
        last = "" if length is None else start + length - 1
        wanted = {"Range": f"bytes={start}-{last}"} if ranged else {}
        try:
            answer = self._ask("read", key, "get_object", read=True, **wanted)
        except BackendError as error:
            if _code(error) in _EMPTY_RANGE:
                return b""
            raise
        return self._checked(answer, key, start, length)

    def put(self, key: str, data: bytes | memoryview) -> None:
        """See `Backend.put`."""
        self._ask("write", key, "put_object", Body=_as_bytes(data))

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """See `Backend.create`."""
        try:
            self._ask("write", key, "put_object", Body=_as_bytes(data), IfNoneMatch="*")
        except Conflict:
            return False
        return True

    def get_versioned(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_versioned`; the token is the ETag of the same answer."""
        answer = self._ask("read", key, "get_object", read=True)
        return self._checked(answer, key, 0, None), self._etag(answer, key)

    def replace(self, key: str, data: bytes | memoryview, token: str) -> str:
        """See `Backend.replace`. A conflict costs a second request, which makes sure of it."""
        body = _as_bytes(data)
        try:
            return self._put_if(key, body, token.strip('"') if self._bare_tags else token)
        except Conflict:
            if self._bare_tags or not self._is_still(key, token):
                raise
        # Older Ceph compares the tag with the quotes that it gave it, and never finds it equal.
        etag = self._put_if(key, body, token.strip('"'))
        self._bare_tags = True
        return etag

    def stat(self, key: str) -> Entry | None:
        """See `Backend.stat`."""
        try:
            fields = self._ask("look up", key, "head_object").fields
        except KeyMissing:
            self._require_bucket()
            return None
        return Entry(key, int(fields["ContentLength"]), fields["LastModified"].timestamp())

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        page: dict[str, Any] = {"Prefix": self._prefix + validate_prefix(prefix), "MaxKeys": PAGE}
        while True:
            fields = self._ask("list", prefix, "list_objects_v2", **page).fields
            for item in fields.get("Contents", ()):
                key = item["Key"].removeprefix(self._prefix)
                if is_valid_key(key) and item["Key"].startswith(page["Prefix"]):
                    yield Entry(key, int(item["Size"]), item["LastModified"].timestamp())
            if not fields.get("IsTruncated"):
                return
            page["ContinuationToken"] = fields["NextContinuationToken"]

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        with contextlib.suppress(KeyMissing):
            self._ask("delete", key, "delete_object")

    def close(self) -> None:
        """See `Backend.close`."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _ask(
        self, doing: str, key: str, method: str, *, read: bool = False, **parameters: Any
    ) -> Answer:
        if method not in ("list_objects_v2", "head_bucket"):
            parameters["Key"] = self._prefix + validate_key(key)
        try:
            answer = self._connected().ask(method, read, Bucket=self._bucket, **parameters)
        except Exception as error:
            mapped = self._place.translate(error, doing, key)
            self._bucket_seen |= _code(error) == "NoSuchKey"
            raise mapped from error
        self._bucket_seen = True
        return answer

    def _connected(self) -> S3Client:
        with self._lock:
            if self._client is None:
                self._client = S3Client(self._options, self._patience, CONNECTIONS)
            return self._client

    def _checked(self, answer: Answer, key: str, start: int, length: int | None) -> bytes:
        """The body of `answer`, made sure to be the wanted range, whole."""
        fields, data = answer
        first, total = 0, int(fields["ContentLength"])
        if "ContentRange" in fields:
            span, _, size = fields["ContentRange"].removeprefix("bytes ").partition("/")
            first, total = int(span.partition("-")[0]), int(size)
        elif start > 0 or (length is not None and length < total):
            # The server does not know ranges: from now on whole packs are asked for.
            self.capabilities = self.capabilities._replace(ranges=False)
        end = total if length is None else min(total, start + length)
        if first + len(data) < end or first > start:
            raise Unreachable(
                f"{key} at {self._place.name}: {end - start} bytes were asked for, {len(data)} came"
            )
        return data[start - first : end - first]

    def _put_if(self, key: str, body: bytes, tag: str) -> str:
        try:
            return self._etag(self._ask("write", key, "put_object", Body=body, IfMatch=tag), key)
        except KeyMissing as error:
            raise Conflict(f"{key} at {self._place.name} was deleted by somebody else") from error

    def _is_still(self, key: str, token: str) -> bool:
        try:
            return self._etag(self._ask("look up", key, "head_object"), key) == token
        except KeyMissing:
            return False

    def _etag(self, answer: Answer, key: str) -> str:
        etag = answer.fields.get("ETag")
        if not isinstance(etag, str) or not etag:
            raise BackendError(f"{key} at {self._place.name}: the server names no version of it")
        return etag

    def _nothing_of(self, key: str) -> bytes:
        if self.stat(key) is None:
            raise KeyMissing(f"cannot read {key} at {self._place.name}: it is not there")
        return b""

    def _require_bucket(self) -> None:
        """Raise `StoreMissing` without a bucket: the answer to a HEAD does not tell it from a key.

        One more request, at most once.
        """
        if not self._bucket_seen:
            try:
                self._ask("look into", "", "head_bucket")
            except KeyMissing as error:
                raise self._place.no_bucket() from error


def _as_bytes(data: bytes | memoryview) -> bytes:
    if isinstance(data, memoryview) and isinstance(data.obj, bytes):
        return data.obj if len(data.obj) == data.nbytes else bytes(data)
    return bytes(data)


def _code(error: Exception) -> str:
    """The code in the answer of the server that `error` was made from, if there was an answer."""
    cause: BaseException | None = error
    while cause is not None:
        response = getattr(cause, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
        cause = cause.__cause__
    return ""
