"""The manifest: everything that is known of a repository on a store, in one small file.

Whoever can write to the store can write anything there, so what is read is
checked in full: nothing of it may end a line or start a word in our dialogue
with git, and no key but one of ours is ever asked for.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from blake3 import blake3

from git_mlvers.errors import CorruptError, RemoteError
from git_mlvers.serverless.names import clash, is_oid, is_ref

VERSION = 1
MAX_SIZE = 256 << 20
RECENT = 32
"""So many of the last changes are remembered by their marks."""

_FORMATS = ("sha1", "sha256")
_ID = re.compile(r"[0-9a-f]{64}")
_MARK = re.compile(r"[0-9a-f]{32}")
_LARGEST = 1 << 62
_LARGEST_PACK = 1 << 42


class NewerManifest(RemoteError):
    """The repository was written by a newer git-mlvers."""


class Pack(NamedTuple):
    """One pack: `id` is the BLAKE3 hash of its `size` bytes.

    What `tips` reach is in this pack and in those before it. `thin`: some of its
    deltas are against objects of earlier packs. `generation` is that of the
    manifest that named it first; a `base` was made from others that it stands for.
    """

    id: str
    size: int
    tips: tuple[str, ...]
    thin: bool
    generation: int
    base: bool = False


class Retired(NamedTuple):
    """A pack that a base stands for since `at`, in seconds since 1970."""

    id: str
    at: int


class Manifest(NamedTuple):
    """A state of a repository. `by` is a random mark of the change that made it.

    `recent` are the marks of the last changes, this one included. `parent` is
    the BLAKE3 hash of the manifest before; `head` is the full name of the
    default branch. `peeled` has, for refs that name an annotated tag, what that
    is of. `packs` are in the order in which they can be unpacked.
    """

    object_format: str
    generation: int = 0
    by: str = "0" * 32
    parent: str | None = None
    head: str | None = None
    refs: dict[str, str] = {}  # noqa: RUF012, never changed
    peeled: dict[str, str] = {}  # noqa: RUF012
    packs: tuple[Pack, ...] = ()
    retired: tuple[Retired, ...] = ()
    recent: tuple[str, ...] = ()

    @property
    def pack_ids(self) -> set[str]:
        """The ids of all packs."""
        return {pack.id for pack in self.packs}

    def encode(self) -> bytes:
        """The bytes of the file."""
        value = {"version": VERSION, **self._asdict()}
        value["packs"] = [pack._asdict() for pack in self.packs]
        value["retired"] = [retired._asdict() for retired in self.retired]
        # Names of refs need not be UTF-8: the escapes of JSON keep any of them.
        return json.dumps(value, indent=1).encode("ascii") + b"\n"

    def after(self, by: str, data: bytes | None) -> Manifest:
        """This as the next state, made by the change with the mark `by`.

        `data` are the bytes of the manifest that it follows, ``None`` for the first.
        """
        return self._replace(
            by=by,
            generation=self.generation + 1,
            parent=None if data is None else digest(data),
            recent=(*self.recent, by)[-RECENT:],
        )


def digest(data: bytes) -> str:
    """The BLAKE3 hash of a manifest's bytes, in hex."""
    return blake3(data).hexdigest()


def parse(data: bytes, url: str) -> Manifest:
    """Read the manifest of the repository at `url`; raises `CorruptError`, `NewerManifest`."""
    try:
        if len(data) > MAX_SIZE:
            raise ValueError("too large")
        value = json.loads(data)
        version = value["version"]
        if type(version) is int and version > VERSION:
            raise NewerManifest(
                f"the repository at {url} was written by a newer git-mlvers (version {version})",
                "pip install --upgrade git-mlvers",
            )
        _demand(type(version) is int and version == VERSION, "version")
        return _manifest(value)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptError(
            f"the manifest of the repository at {url} is damaged ({_cause(error)})",
            "git/history/ of the store may have an older one",
        ) from error


def _manifest(value: dict[str, Any]) -> Manifest:
    form = value["object_format"]
    _demand(form in _FORMATS, "object format")
    head = value["head"]
    _demand(head is None or (_is_text(head) and is_ref(head)), "head")
    refs = _names(value["refs"], form)
    peeled = _names(value["peeled"], form)
    _demand(peeled.keys() <= refs.keys(), "peeled")
    _demand(clash(set(refs)) is None, "refs that exclude each other")
    packs = tuple(_pack(item, form) for item in value["packs"])
    _demand(len({pack.id for pack in packs}) == len(packs), "packs named twice")
    return Manifest(
        object_format=form,
        generation=_number(value["generation"]),
        by=_matching(_MARK, value["by"]),
        parent=None if value["parent"] is None else _matching(_ID, value["parent"]),
        head=head,
        refs=refs,
        peeled=peeled,
        packs=packs,
        retired=tuple(
            Retired(_matching(_ID, item["id"]), _number(item["at"])) for item in value["retired"]
        ),
        recent=tuple(_matching(_MARK, mark) for mark in value["recent"]),
    )


def _pack(item: dict[str, Any], form: str) -> Pack:
    _demand(type(item["thin"]) is bool and type(item["base"]) is bool, "kind of a pack")
    tips = item["tips"]
    _demand(isinstance(tips, list) and all(_is_text(t) and is_oid(t, form) for t in tips), "tips")
    return Pack(
        id=_matching(_ID, item["id"]),
        size=_number(item["size"], _LARGEST_PACK),
        tips=tuple(tips),
        thin=item["thin"],
        generation=_number(item["generation"]),
        base=item["base"],
    )


def _names(value: object, form: str) -> dict[str, str]:
    _demand(isinstance(value, dict), "refs")
    assert isinstance(value, dict)
    for name, oid in value.items():
        _demand(is_ref(name), "name of a ref")
        _demand(_is_text(oid) and is_oid(oid, form), "object id")
    return value


def _matching(pattern: re.Pattern[str], value: object) -> str:
    _demand(isinstance(value, str) and pattern.fullmatch(value) is not None, "id")
    return str(value)


def _number(value: object, end: int = _LARGEST) -> int:
    if type(value) is not int or not 0 <= value < end:
        raise ValueError("number")
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _demand(good: bool, what: str) -> None:
    if not good:
        raise ValueError(what)


def _cause(error: Exception) -> str:
    """What is wrong, in our own words: nothing of the file itself reaches the terminal."""
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return "it is not JSON"
    if isinstance(error, KeyError):
        return "something is missing"
    return str(error) if type(error) is ValueError else "it has another shape"
