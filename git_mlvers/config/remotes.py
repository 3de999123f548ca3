"""The places for content: what is configured for each, and whether the user agreed to it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.config.committed import CLOUDS, FILE_NAME, scheme_of
from git_mlvers.config.values import ConfigError
from git_mlvers.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAIN_OPTIONS = ("endpointurl", "region", "anon", "profile")
"""Options of a remote that are no secrets."""

SECRET_OPTIONS = (
    "accesskeyid",
    "secretaccesskey",
    "sessiontoken",
    "credentialpath",
    "connectionstring",
    "accountname",
    "accountkey",
    "sastoken",
    "tenantid",
    "clientid",
    "clientsecret",
    "project",
    "user",
    "password",
    "keyfile",
    "token",
    "sslverify",
)
"""Options that only git config can hold; a committed file with one of them is refused."""

# Only S3 itself: customers' machines and load balancers have names below amazonaws.com too.
_S3_ENDPOINT = re.compile(
    r"https://s3(-fips|-accelerate)?(\.dualstack)?(\.[a-z]{2}(-[a-z]+)+-[0-9])?"
    r"\.amazonaws\.com(\.cn)?(:443)?/?\Z"
)


class UntrustedRemote(RemoteError):
    """A committed file names a host or a directory to which the user has not agreed."""


class RemoteSettings(NamedTuple):
    """One place for content, as configured.

    `url` has relative directories made absolute; `options` has lower-case keys;
    `source` is ``git config``, ``.mlversconfig`` or ``git remote`` (the implicit
    place beside a local git remote, or the store that a git remote is in).
    `read_needs` and `write_needs` are what of it the user has still to agree to,
    in words, before content may be read or written; ``None`` when nothing.
    `local_cache` is the cache directory of the repository at the other side, when
    that is on this machine.
    """

    name: str
    url: str
    options: Mapping[str, str]
    source: str
    read_needs: str | None = None
    write_needs: str | None = None
    local_cache: str | None = None


def needs_of(
    url: str, url_committed: bool, endpoint: str | None, endpoint_committed: bool
) -> tuple[str | None, str | None]:
    """What the user must agree to before (reading, writing) at this place, in words.

    Credentials and content go only to the cloud that the address itself names,
    or where the user has said so: a host that a committed file chose needs the
    user's word, and so does writing into a directory that it chose.
    """
    scheme = scheme_of(url)
    if endpoint and endpoint_committed and not _is_own_endpoint(scheme, endpoint):
        return (f"the host {endpoint}",) * 2
    if not url_committed or scheme in CLOUDS:
        return None, None
    if not scheme:
        return None, f"the directory {url}"
    return (f"the host of {url}",) * 2


def trust_text(url: str, endpoint: str | None) -> str:
    """What is stored when the user agrees to a place; another place has another text."""
    return f"{url} {endpoint}" if endpoint else url


def check_allowed(settings: RemoteSettings, write: bool) -> None:
    """Raise `UntrustedRemote` when the user has not agreed to read from, or write to, a place."""
    needs = settings.write_needs if write else settings.read_needs
    if needs is not None:
        doing = "written to" if write else "read from"
        raise UntrustedRemote(
            f"the remote {settings.name} is not {doing}: {FILE_NAME} names {needs}, "
            "to which you have not agreed in this clone",
            f"git mlvers remote trust {settings.name}",
        )


def no_such_remote(name: str, known: list[str]) -> ConfigError:
    """The error for a `name` that is not among the `known` remotes."""
    return ConfigError(
        f"there is no remote named {name!r}",
        f"there is {', '.join(known)}" if known else "git mlvers remote add -d NAME URL",
    )


def _is_own_endpoint(scheme: str, endpoint: str) -> bool:
    return scheme == "s3" and _S3_ENDPOINT.match(endpoint.lower()) is not None
