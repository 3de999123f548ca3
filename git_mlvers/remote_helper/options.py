"""What git wishes of a fetch or a push: the ``option`` lines of gitremote-helpers(7)."""

from __future__ import annotations

import os

from git_mlvers.git.quote import unquote
from git_mlvers.serverless.names import is_ref

_DEFAULT_BRANCH = "default-branch="
_NEEDS_GIT = frozenset(
    {
        "depth",
        "deepen-since",
        "deepen-not",
        "deepen-relative",
        "filter",
        "update-shallow",
        "refetch",
    }
    | {"from-promisor", "no-dependents", "cloning"}
)
_SWITCHES = {
    "atomic": "atomic",
    "dry-run": "dry_run",
    "progress": "_progress",
    "check-connectivity": "check_connectivity",
}
_IGNORED = frozenset({"followtags", "family", "force"})


class Options:
    """The wishes so far. `leases` has, for refs, the id that each must have, ``""`` for none."""

    def __init__(self) -> None:
        self.object_format = False
        self.atomic = False
        self.dry_run = False
        self.check_connectivity = False
        self.needs_git = False
        self.default_branch: str | None = None
        self.leases: dict[str, str] = {}
        self._progress = False
        self._verbosity = 1

    @property
    def verbose(self) -> bool:
        """Whether the user is to see how far the work is."""
        return self._progress and self._verbosity > 0

    def take(self, line: str) -> str:
        """Note the option of an ``option`` line; the answer to git, which minds most refusals."""
        name, _, value = line.partition(" ")
        value = _unquoted(value)
        if name == "object-format":
            self.object_format = value in ("", "true", "sha1", "sha256")
            return "ok" if self.object_format else f"error object format {value} is unknown here"
        if name in _SWITCHES:
            setattr(self, _SWITCHES[name], value == "true")
            return "ok"
        if name == "verbosity":
            self._verbosity = int(value) if value.lstrip("-").isdigit() else 1
            return "ok"
        if name == "cas":
            return self._lease(value)
        if name == "push-option":
            return self._push_option(value)
        if name in _NEEDS_GIT:
            self.needs_git |= name != "cloning" and value != "false"
            return "ok"
        return "ok" if name in _IGNORED else "unsupported"

    def _lease(self, value: str) -> str:
        ref, _, oid = value.rpartition(":")
        self.leases[ref] = oid if oid.strip("0") else ""
        return "ok"

    def _push_option(self, value: str) -> str:
        branch = value.removeprefix(_DEFAULT_BRANCH)
        full = branch if branch.startswith("refs/heads/") else f"refs/heads/{branch}"
        if branch == value or not is_ref(full):
            return f"error the only push option here is {_DEFAULT_BRANCH}NAME"
        self.default_branch = full
        return "ok"


def _unquoted(value: str) -> str:
    """git puts values in quotes, as in C, where they have signs that need it."""
    plain = unquote(os.fsencode(value)) if value.startswith('"') else None
    return value if plain is None else os.fsdecode(plain)
