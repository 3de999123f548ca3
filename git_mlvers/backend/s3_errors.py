"""What S3, its client and the network say, as errors of a backend in plain words."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import botocore.exceptions as boto
from aiohttp import ClientError as ConnectionTrouble
from botocore.parsers import ResponseParserError

from git_mlvers.backend.base import (
    BackendError,
    Conflict,
    Forbidden,
    KeyMissing,
    StoreFull,
    StoreMissing,
    Unreachable,
)
from git_mlvers.backend.cloud_errors import words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_CREDENTIALS = {
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException"),
    *("InvalidToken", "TokenRefreshRequired", "AuthorizationHeaderMalformed", "InvalidSecurity"),
}
_CHANGED = {"PreconditionFailed", "412"}
_FULL = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "InsufficientCapacity"}
_TRANSIENT = {
    *("SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "Throttling"),
    *("ThrottlingException", "RequestLimitExceeded", "OperationAborted", "BadDigest"),
    *("ConditionalRequestConflict", "XAmzContentSHA256Mismatch", "XMinioServerNotInitialized"),
}
_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.NoAuthTokenError,
)
_SETTINGS = (
    boto.ProfileNotFound,
    boto.ConfigNotFound,
    boto.ConfigParseError,
    boto.NoRegionError,
    boto.InvalidRegionError,
    boto.ParamValidationError,
    boto.EndpointProviderError,
)
_NETWORK = (
    boto.HTTPClientError,
    boto.ConnectionError,
    boto.IncompleteReadError,
    ResponseParserError,
    ConnectionTrouble,
    OSError,
)
_GIVE_THEM = "set AWS_PROFILE, or git mlvers remote modify --local NAME accesskeyid VALUE"


class Place:
    """A bucket as messages name it: its address, and the endpoint if it has one of its own."""

    def __init__(self, url: str, bucket: str, endpoint: str | None) -> None:
        self.url = url
        self.bucket = bucket
        self.server = endpoint or "the cloud"
        self.name = f"{url} (on {endpoint})" if endpoint else url

    def translate(self, error: Exception, doing: str, key: str) -> BackendError:
        """The `BackendError` for what a request "to `doing` `key`" ended with."""
        what = " ".join(word for word in ("cannot", doing, key, "at", self.name) if word)
        answer = next((e.response for e in _chain(error) if isinstance(e, boto.ClientError)), None)
        if answer is not None:
            return self._refused(answer, what)
        return self._failed(error, what)

    def no_bucket(self) -> StoreMissing:
        """The error for a bucket that does not exist."""
        return StoreMissing(
            f"there is no bucket {self.bucket} for {self.name}",
            "create it, or correct the address: git mlvers remote modify NAME url URL",
        )

    def _refused(self, answer: dict[str, Any], what: str) -> BackendError:
        """The server answered, and its answer is no."""
        code = str(answer.get("Error", {}).get("Code", ""))
        status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        said = words(RuntimeError(answer.get("Error", {}).get("Message") or code or status))
        if code == "NoSuchBucket":
            return self.no_bucket()
        if code in _CHANGED or status == 412:
            return Conflict(f"{what}: it was changed by somebody else")
        if code in _FULL or status == 507:
            return StoreFull(f"{what}: no room or no quota is left there ({said})")
        if code in _TRANSIENT or status == 429 or status >= 500:
            possible = status != 501
            return Unreachable(
                f"{what}: {self.server} answers {status} {code}".rstrip(),
                "it is busy or out of order: try again later" if possible else None,
                transient=possible,
            )
        if code == "RequestTimeTooSkewed":
            return Forbidden(f"{what}: the clock of this machine is wrong", "set it: date")
        if code in _CREDENTIALS or status == 401:
            return Forbidden(
                f"{what}: the credentials are not accepted ({code}: {said})", _GIVE_THEM
            )
        if status == 403:
            return Forbidden(
                f"{what}: access is denied ({said})",
                "allow s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket there;"
                " without the last, what is missing counts as denied",
            )
        if status == 404:
            return KeyMissing(f"{what}: it is not there")
        if status in (301, 307):
            return BackendError(
                f"{what}: the bucket is in another region",
                "git mlvers remote modify NAME region REGION",
            )
        return BackendError(f"{what}: {self.server} answers {status} {code}: {said}")

    def _failed(self, error: Exception, what: str) -> BackendError:
        """There was no answer, or no whole one, or not even a request."""
        if isinstance(error, _NO_CREDENTIALS):
            return Forbidden(f"{what}: no credentials are found ({words(error)})", _GIVE_THEM)
        if type(error).__name__.startswith(("SSO", "UnauthorizedSSO", "TokenRetrieval", "Login")):
            return Forbidden(f"{what}: the login has run out ({words(error)})", "aws sso login")
        if isinstance(error, (*_SETTINGS, ValueError)):
            return BackendError(
                f"{what}: {words(error)}",
                "git mlvers remote modify NAME region, profile, endpointurl",
            )
        if isinstance(error, _NETWORK):
            return self._unreachable(error, what)
        return BackendError(f"{what}: {words(error)}")

    def _unreachable(self, error: Exception, what: str) -> Unreachable:
        causes = list(_chain(error))
        if any(isinstance(e, ssl.SSLCertVerificationError) for e in causes):
            return Unreachable(
                f"{what}: the certificate of {self.server} is not valid here",
                "set AWS_CA_BUNDLE to the file with its authority",
                transient=False,
            )
        for cause in causes:
            if isinstance(cause, socket.gaierror):
                return Unreachable(
                    f"{what}: the host of {self.server} is not known ({words(cause)})",
                    "is the address right, and the network there?",
                    transient=cause.errno != socket.EAI_NONAME,
                )
        return Unreachable(f"{what}: {_trouble(error)}", f"is {self.server} within reach?")


def _trouble(error: Exception) -> str:
    if isinstance(error, boto.ConnectTimeoutError):
        return "no connection in time"
    if isinstance(error, (boto.ReadTimeoutError, TimeoutError)):
        return "no answer in time"
    if isinstance(error, boto.EndpointConnectionError):
        return "no connection"
    if isinstance(error, (boto.ConnectionClosedError, ConnectionTrouble, boto.IncompleteReadError)):
        return "the connection broke off"
    return words(error)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, and what it was caused by, in the several ways in which clients note that."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        this = waiting.pop(0)
        if not isinstance(this, BaseException) or id(this) in seen:
            continue
        seen.add(id(this))
        yield this
        noted = getattr(this, "kwargs", None)
        waiting += [this.__cause__, this.__context__, getattr(this, "os_error", None)]
        waiting += [noted.get("error")] if isinstance(noted, dict) else []
