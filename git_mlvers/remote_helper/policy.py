"""Which transports may be used behind ``mlvers::``, by git's own rules.

git has looked at ``protocol.mlvers.allow`` only, and would otherwise never be
asked about what is inside: ``mlvers::ext::sh -c …`` would run any program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.config.source import Source

_ALWAYS = frozenset({"http", "https", "git", "ssh"})
_NEVER = frozenset({"ext"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


class NotAllowed(UsageError):
    """git's configuration forbids the transport behind an address."""

    exit_code = 128  # as git ends when it is asked for such a transport


def check(protocol: str, config: Source, env: Mapping[str, str]) -> None:
    """Raise `NotAllowed` unless git itself would use `protocol` ("https", "file", "ext")."""
    listed = env.get("GIT_ALLOW_PROTOCOL")
    if listed is not None:
        allowed = protocol in listed.split(":")
    else:
        allowed = _allows(_policy(protocol, config), env)
    if not allowed:
        raise NotAllowed(
            f"transport '{protocol}' not allowed",
            f"git config protocol.{protocol}.allow, see git help config",
        )


def _policy(protocol: str, config: Source) -> str:
    for key in (f"protocol.{protocol}.allow", "protocol.allow"):
        value = config.origin_of(key)
        if value is None:
            continue
        word = (value.text or "").lower()
        if word not in ("always", "never", "user"):
            raise UsageError(f"{key} is {value.text!r}; git knows always, never and user")
        return word
    if protocol in _ALWAYS:
        return "always"
    return "never" if protocol in _NEVER else "user"


def _allows(policy: str, env: Mapping[str, str]) -> bool:
    if policy == "user":
        # git sets it to 0 where the address comes from somebody else: submodules.
        return env.get("GIT_PROTOCOL_FROM_USER", "1").lower() not in _FALSE
    return policy == "always"
