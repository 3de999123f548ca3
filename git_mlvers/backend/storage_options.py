"""A remote's address and options, in the words of each fsspec file system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.backend.url import Location

_SECRET_OPTIONS = (
    *("secretaccesskey", "sessiontoken", "connectionstring", "accountkey", "sastoken"),
    *("clientsecret", "credentials", "password", "token"),
)
_YES = ("true", "yes", "on", "1")


def storage_options(location: Location, options: Mapping[str, str]) -> dict[str, Any]:
    """What the fsspec file system of `location`'s scheme is to be made with.

    `options` are among those that `schemes` lists; user and password from them
    go before those in the address.
    """
    match location.scheme:
        case "gs":
            return gcs_options(options)
        case "gdrive":
            return _gdrive_options(location, options)
    return {}


def azure_options(options: Mapping[str, str]) -> dict[str, Any]:
    """The same for Azure alone. Raises `UsageError` for an endpoint that it could not use."""
    names = {
        "connectionstring": "connection_string",
        "accountname": "account_name",
        "accountkey": "account_key",
        "sastoken": "sas_token",
        "tenantid": "tenant_id",
        "clientid": "client_id",
        "clientsecret": "client_secret",
    }
    made: dict[str, Any] = {names[name]: value for name, value in options.items() if name in names}
    if "anon" in options:
        made["anon"] = is_yes(options["anon"])
    endpoint = options.get("endpointurl")
    if endpoint is not None and "connection_string" not in made:
        if "account_name" not in made:
            raise UsageError(
                "a remote at az:// with an endpointurl needs the name of the account too",
                "git mlvers remote modify --local NAME accountname VALUE",
            )
        if "account_key" in made or "sas_token" in made:
            return {"connection_string": _connection_string(endpoint, made)}
        made["account_host"] = _https_host(endpoint)
    return made


def gcs_options(options: Mapping[str, str]) -> dict[str, Any]:
    """The same for Google Cloud Storage alone."""
    names = {"endpointurl": "endpoint_url", "credentialpath": "token", "project": "project"}
    made: dict[str, Any] = {names[name]: value for name, value in options.items() if name in names}
    if is_yes(options.get("anon", "")):
        made["token"] = "anon"
    return made


def secrets(location: Location, options: Mapping[str, str]) -> tuple[str, ...]:
    """What must not be shown of them, even where a client's message has it."""
    values = [location.password, *(options.get(name) for name in _SECRET_OPTIONS)]
    for part in options.get("connectionstring", "").split(";"):
        name, _, value = part.partition("=")
        if name in ("AccountKey", "SharedAccessSignature"):
            values.append(value)
    return tuple(sorted({value for value in values if value}, key=len, reverse=True))


def is_yes(value: str) -> bool:
    """Whether an option says yes."""
    return value.lower() in _YES


def _gdrive_options(location: Location, options: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "path": "/".join(part for part in (location.host, location.path) if part)
    }
    if "credentialpath" in options:
        made["client_json_file_path"] = options["credentialpath"]
    made["use_service_account"] = "client_json_file_path" in made
    return made


def _connection_string(endpoint: str, made: Mapping[str, str]) -> str:
    parts = [f"BlobEndpoint={endpoint.rstrip('/')}", f"AccountName={made['account_name']}"]
    if "account_key" in made:
        parts.append(f"AccountKey={made['account_key']}")
    else:
        parts.append(f"SharedAccessSignature={made['sas_token'].removeprefix('?')}")
    return ";".join(parts)


def _https_host(endpoint: str) -> str:
    scheme, mark, host = endpoint.partition("://")
    if mark and scheme != "https":
        raise UsageError(
            f"{endpoint} is not used for az:// without an accountkey or a sastoken: what the cloud"
            " itself gives as credentials goes over https only"
        )
    return (host if mark else scheme).rstrip("/")
