"""One connection pool to S3, and single requests over it.

s3fs finds credentials and keeps the session. Its own verbs are not used: they
look around before they act and try again by their own lights, which makes a
request cost several and a hang last many minutes. Here one call is one request.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.config import Config
from fsspec.asyn import sync
from s3fs import S3FileSystem

from git_mlvers.backend.pieces import Pieces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.awsrequest import AWSPreparedRequest

    from git_mlvers.backend.patience import Patience

_CLOUDS_OWN = ("when_required", ("request_checksum_calculation", "response_checksum_validation"))


class Answer(NamedTuple):
    """What came back: the fields of the response, and the body if one was wanted."""

    fields: dict[str, Any]
    body: bytes


class S3Client:
    """Requests to S3, from any thread. `options` are those of the remote.

    `connections` of them can be under way at a time. Errors are those of s3fs,
    botocore and aiohttp.
    """

    def __init__(self, options: Mapping[str, str], patience: Patience, connections: int) -> None:
        self._fs: Any = S3FileSystem(
            endpoint_url=options.get("endpointurl"),
            key=options.get("accesskeyid"),
            secret=options.get("secretaccesskey"),
            token=options.get("sessiontoken"),
            anon=options.get("anon", "").lower() in ("true", "yes", "on", "1"),
            client_kwargs={"region_name": options["region"]} if "region" in options else {},
            config_kwargs=_config(patience, connections),
            skip_instance_cache=True,
            use_listings_cache=False,
            **({"profile": options["profile"]} if "profile" in options else {}),
        )
        self._fs.retries = 1
        self._silence = patience.silence
        self._watched: Any = None

    def ask(self, method: str, read: bool = False, **parameters: Any) -> Answer:
        """Send one request and wait for its answer, with the whole body if `read`."""
        answer: Answer = sync(self._fs.loop, self._ask, method, read, parameters)
        return answer

    def close(self) -> None:
        """Close all connections; what is under way fails."""
        if self._watched is not None:
            sync(self._fs.loop, self._fs._s3creator.__aexit__, None, None, None)
            self._watched = None

    async def _ask(self, method: str, read: bool, parameters: Mapping[str, Any]) -> Answer:
        client = await self._fs.set_session()
        if client is not self._watched:
            client.meta.events.register("before-send.s3.PutObject", self._in_pieces)
            self._watched = client
        fields: dict[str, Any] = await self._fs._call_s3(method, **parameters)
        if not read:
            return Answer(fields, b"")
        body = fields["Body"]
        try:
            return Answer(fields, await body.read())
        finally:
            body.close()

    def _in_pieces(self, request: AWSPreparedRequest, **_: object) -> None:
        """Send the body of a write so that no server can hold us for ever."""
        # The client would wait without end for a server that does not say "100 Continue", and
        # a round trip for one that does. The header is not part of what is signed.
        del request.headers["Expect"]
        body = request.body.getvalue() if isinstance(request.body, BytesIO) else request.body
        if isinstance(body, bytes):
            request.body = Pieces(body, self._silence)


def _config(patience: Patience, connections: int) -> dict[str, Any]:
    config: dict[str, Any] = {
        "connect_timeout": patience.connect,
        "read_timeout": patience.silence,
        "max_pool_connections": connections,
        # Trying again is the business of `Retrying`.
        "retries": {"total_max_attempts": 1, "mode": "standard"},
    }
    # Newer clients add checksums of their own, which many servers do not know. The body is
    # signed as a whole, and what is read is verified against its hash further up.
    value, names = _CLOUDS_OWN
    known = Config.OPTION_DEFAULTS
    return config | {name: value for name in names if name in known}
