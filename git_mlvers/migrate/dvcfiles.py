"""What DVC has written about data: ``.dvc`` files, ``dvc.lock``, and listings of folders.

Formats: ``dvc/schema.py`` and ``dvc_data/hashfile/tree.py`` of DVC 3; ``dvc.lock`` with
schema 1.0 has the stages at its top. Where ``hash: md5`` is missing, an older DVC has
computed the hash with line ends of text files changed.
"""

from __future__ import annotations

import json
import os
import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.values import yaml12

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SUFFIX = ".dvc"
LOCK, PIPELINE = "dvc.lock", "dvc.yaml"
_DIR = ".dir"


class BadDvcFile(MlversError):
    """A file of DVC is not what it should be."""


class Data(NamedTuple):
    """A file or folder whose content DVC keeps. `path` is relative to the top.

    `md5` is hex; of a folder it is that of its listing. `plain` tells that it is that of
    the content as it is, and not of one with changed line ends.
    """

    path: str
    md5: str
    folder: bool
    plain: bool
    executable: bool = False
    size: int | None = None


class DvcFile(NamedTuple):
    """One ``.dvc`` file. `source` is where an import came from, in words.

    `unknown` are paths that it names without a hash of what is in them.
    """

    path: str
    outs: tuple[Data, ...]
    source: str | None
    unknown: tuple[str, ...] = ()


class LockedStage(NamedTuple):
    """A stage in ``dvc.lock``, with the state that it was last run in."""

    file: str
    name: str
    cmds: tuple[str, ...]
    deps: tuple[Data, ...]
    outs: tuple[Data, ...]
    params: Mapping[str, Mapping[str, object]]
    """Values by file, relative to the top, and key."""


def read_dvc_file(path: str, data: bytes) -> DvcFile:
    """Read the ``.dvc`` file at `path` (relative to the top). Raises `BadDvcFile`."""
    found = _mapping(yaml12.load(data, path), path)
    folder = posixpath.normpath(posixpath.join(posixpath.dirname(path), found.get("wdir", ".")))
    kept = [out for out in found.get("outs") or () if _mapping(out, path).get("cache") is not False]
    outs = tuple(_data(out, folder, path) for out in kept)
    known = tuple(out for out in outs if out.md5)
    return DvcFile(path, known, _source(found), tuple(out.path for out in outs if not out.md5))


def read_lock(path: str, data: bytes, folders: Mapping[str, str]) -> Iterator[LockedStage]:
    """Read the ``dvc.lock`` at `path`, whose paths start where a stage runs. Raises `BadDvcFile`.

    `folders` are those where the stages run, by name; other stages are left out.
    """
    found = _mapping(yaml12.load(data, path), path)
    stages = found.get("stages") if "schema" in found else found
    for name, raw in _mapping(stages or {}, path).items():
        stage = _mapping(raw, path)
        if name not in folders:
            continue
        folder = folders[name]
        cmd = stage.get("cmd") or ()
        lines = [cmd] if isinstance(cmd, str) else list(cmd)
        params = {
            posixpath.normpath(posixpath.join(folder, file)): values or {}
            for file, values in (stage.get("params") or {}).items()
        }
        yield LockedStage(
            posixpath.join(posixpath.dirname(path), PIPELINE),
            str(name),
            tuple(line for text in lines for line in str(text).splitlines()),
            tuple(_data(dep, folder, path) for dep in stage.get("deps") or ()),
            tuple(_data(out, folder, path) for out in stage.get("outs") or ()),
            params,
        )


def read_listing(data: bytes, folder: Data) -> list[Data]:
    """The files of `folder`, of which `data` is the listing. Raises `BadDvcFile`."""
    try:
        entries = json.loads(data)
        found = [
            Data(f"{folder.path}/{entry['relpath']}", entry["md5"], False, folder.plain)
            for entry in entries
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise BadDvcFile(f"DVC's listing of {folder.path} is damaged: {error}") from error
    for each in found:
        if posixpath.normpath(each.path) != each.path or _escapes(each.path):
            raise BadDvcFile(f"DVC's listing of {folder.path} names {each.path}")
    return found


def listing(files: Mapping[str, str]) -> bytes:
    """The listing of a folder with these `files`: their hashes in hex by path in the folder."""
    entries = [{"md5": md5, "relpath": path} for path, md5 in sorted(files.items())]
    return json.dumps(entries, sort_keys=True).encode("utf-8")


def _data(raw: object, folder: str, file: str) -> Data:
    out = _mapping(raw, file)
    path = posixpath.normpath(posixpath.join(folder, str(out.get("path", ""))))
    md5 = str(out.get("md5") or "")
    if _escapes(path):
        md5 = ""  # outside of the repository, it is nothing that could be taken over
    return Data(
        path,
        md5.removesuffix(_DIR),
        md5.endswith(_DIR),
        out.get("hash") == "md5",
        bool(out.get("isexec")),
        out.get("size") if isinstance(out.get("size"), int) else None,
    )


def _source(found: Mapping[str, Any]) -> str | None:
    for dep in found.get("deps") or ():
        if isinstance(dep, dict):
            repo = dep.get("repo")
            url = repo.get("url") if isinstance(repo, dict) else None
            return f"{dep.get('path')} of {url}" if url else str(dep.get("path"))
    return None


def _escapes(path: str) -> bool:
    first = path.split("/")[0]
    return os.path.isabs(path) or first in ("..", ".git", "") or "://" in path


def _mapping(value: object, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadDvcFile(f"{path} is not a file of DVC", "look at it, or remove it")
    return value
