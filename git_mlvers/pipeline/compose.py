"""A new stage from what the user lists on the command line, as it is written into a file."""

from __future__ import annotations

import posixpath
import shlex
import string
from typing import TYPE_CHECKING, Any, NamedTuple

from git_mlvers.errors import UsageError
from git_mlvers.pipeline.model import DEFAULT_PARAMS, FILES
from git_mlvers.pipeline.paths import is_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_FORBIDDEN = set(string.punctuation + string.whitespace) - {"-", "_"}


class Listed(NamedTuple):
    """One output that was listed: its path, where it belongs, and its flags that are not usual."""

    path: str
    section: str
    cache: bool = True
    persist: bool = False


def check_name(name: str) -> None:
    """Raise `UsageError` for a name that a stage cannot have."""
    bad = sorted(set(name) & _FORBIDDEN)
    if not name or bad:
        raise UsageError(
            f"a stage cannot be called {name!r}",
            "use letters, digits, - and _",
        )


def command_line(words: Sequence[str]) -> str:
    """One shell line of `words`; a single word is a whole line already.

    As in DVC, words with blanks get double quotes, so that ``$NAME`` in them still
    counts when the stage runs.
    """
    return words[0] if len(words) == 1 else " ".join(map(_quoted, words))


def definition(
    *,
    cmd: str,
    deps: Sequence[str] = (),
    params: Sequence[str] = (),
    outs: Sequence[Listed] = (),
    wdir: str | None = None,
    always_changed: bool = False,
    desc: str | None = None,
) -> dict[str, Any]:
    """The stage as it stands in a pipeline file, its lists sorted; raises `UsageError`."""
    deps = [_clean(path) for path in deps]
    outs = [out._replace(path=_clean(out.path)) for out in outs]
    _check_once([*deps, *(out.path for out in outs)])
    sections = {
        section: [_out(out) for out in sorted(outs) if out.section == section]
        for section in ("outs", "metrics", "plots")
    }
    parts = {
        "desc": desc,
        "cmd": cmd,
        "wdir": None if wdir is None or _clean(wdir) == "." else _clean(wdir),
        "deps": sorted(deps),
        "params": _params(params),
        **sections,
        "always_changed": always_changed,
    }
    return {key: value for key, value in parts.items() if value}


def file_for(folder: str, here: Iterable[str], known: Iterable[str]) -> str:
    """The pipeline file that a new stage of `folder` goes into.

    `here` are the names of those in the folder, `known` the paths of all in the repository.
    """
    present = [name for name in FILES if name in here]
    ours = any(posixpath.basename(path) == FILES[0] for path in known)
    name = present[0] if present else FILES[0] if ours else FILES[1]
    return name if folder == "." else f"{folder}/{name}"


def _quoted(word: str) -> str:
    if not word:
        return '""'
    if " " not in word:
        return word
    return shlex.quote(word) if '"' in word else f'"{word}"'


def _clean(path: str) -> str:
    return path if is_url(path) or not path else posixpath.normpath(path)


def _check_once(paths: Sequence[str]) -> None:
    for path in paths:
        if not path:
            raise UsageError("a path is empty")
        if paths.count(path) > 1:
            raise UsageError(f"{path} is named twice", "name it once, as what it is")


def _params(words: Sequence[str]) -> list[Any]:
    """``a,b`` and ``file:a,b``; keys of the usual file come first, then the other files."""
    found: dict[str, set[str]] = {}
    for word in words:
        file, _, keys = word.rpartition(":")
        path = _clean(file) if file else DEFAULT_PARAMS
        found.setdefault(path, set()).update(key for key in keys.split(",") if key)
    usual: list[Any] = sorted(found.get(DEFAULT_PARAMS, ()))
    others: list[Mapping[str, Any]] = [
        {path: sorted(keys) or None}
        for path, keys in sorted(found.items())
        if path != DEFAULT_PARAMS or not keys
    ]
    return [*usual, *others]


def _out(out: Listed) -> str | dict[str, dict[str, bool]]:
    flags: dict[str, bool] = {}
    if not out.cache:
        flags["cache"] = False
    if out.persist:
        flags["persist"] = True
    return {out.path: flags} if flags else out.path
