"""A remote's address and options, in the words of each fsspec file system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.backend.url import Location

_NAMES: dict[str, dict[str, str]] = {
    "memory": {},
    "gs": {"endpointurl": "endpoint_url", "credentialpath": "token"},
    "az": {
        "endpointurl": "account_host",
        "connectionstring": "connection_string",
        "accountname": "account_name",
        "accountkey": "account_key",
    },
    "gdrive": {"credentialpath": "client_json_file_path"},
    "ssh": {"keyfile": "client_keys"},
    "sftp": {"keyfile": "client_keys"},
    "webdav": {"token": "token"},
    "webdavs": {"token": "token"},
}


def storage_options(location: Location, options: Mapping[str, str]) -> dict[str, Any]:
    """What the fsspec file system of `location`'s scheme is to be made with.

    `options` are among those that `schemes` lists; user and password from them
    go before those in the address.
    """
    given = dict(options)
    user = given.pop("user", location.user)
    password = given.pop("password", location.password)
    names = _NAMES[location.scheme]
    made: dict[str, Any] = {names[option]: value for option, value in given.items()}
    if location.scheme in ("ssh", "sftp"):
        login = {"port": location.port, "username": user, "password": password}
        made.update((name, value) for name, value in login.items() if value is not None)
        made["host"] = location.host
        if "client_keys" in made:
            made["client_keys"] = [made["client_keys"]]
    elif location.scheme in ("webdav", "webdavs"):
        port = f":{location.port}" if location.port else ""
        http = "https" if location.scheme == "webdavs" else "http"
        made["base_url"] = f"{http}://{location.host}{port}/{location.path}"
        if user is not None:
            made["auth"] = (user, password or "")
    elif location.scheme == "gdrive":
        made["path"] = "/".join(part for part in (location.host, location.path) if part)
        made["use_service_account"] = "client_json_file_path" in made
    return made
