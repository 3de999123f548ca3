"""What differs between HEAD, the index and the working tree, as far as it is tracked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git import attributes, catfile
from git_mlvers.git.command import zsplit
from git_mlvers.pointer import MAX_SIZE, Pointer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from git_mlvers.git.repository import Repository

_STATUS = (
    *("status", "--porcelain=v2", "-z", "--untracked-files=no", "--ignore-submodules=all"),
    # Pointers of different content are alike; only equal ones mean a renamed file.
    "--find-renames=100%",
    *("--branch", "--no-ahead-behind"),
)
_HEAD = b"# branch.oid "
# How many words stand before the path in each kind of line.
_WORDS = {b"1": 8, b"2": 9, b"u": 10}
_SHORT = 7


class Version(NamedTuple):
    """What a file is in one place: `tracked` (a pointer) or plain Git, and a short id.

    The id is empty for what is only in the working tree and has none yet.
    """

    tracked: bool
    id: str

    def __str__(self) -> str:
        word = "mlvers" if self.tracked else "Git"
        return f"{word}: {self.id}" if self.id else word


class Change(NamedTuple):
    """One changed path: `staged` and `unstaged` are git's letters, blank for no change.

    `old_path` is where a renamed file was. The versions are ``None`` where the
    file is not; of a conflict, `in_head` is ours and `in_index` is theirs.
    """

    staged: str
    unstaged: str
    path: bytes
    old_path: bytes | None
    in_head: Version | None
    in_index: Version | None
    in_tree: Version | None

    @property
    def unmerged(self) -> bool:
        """Whether the path is in conflict."""
        return "U" in (self.staged, self.unstaged) or (self.staged, self.unstaged) in (
            ("A", "A"),
            ("D", "D"),
        )


class Look(NamedTuple):
    """What Git says of HEAD, the index and the working tree.

    `head` is the hex id of the commit that is checked out, ``None`` before the
    first one; `staged` whether the index is another than its tree, by any path.
    """

    head: str | None
    staged: bool
    changes: list[Change]


class _Line(NamedTuple):
    staged: str
    unstaged: str
    path: bytes
    old_path: bytes | None
    head_blob: str
    index_blob: str
    exists: bool


def look(repo: Repository) -> Look:
    """The changes of tracked files, and of files that become or were tracked ones.

    The filter is started by Git only for files whose stat data differ from what
    the index recorded.
    """
    # This is the user's `git status`: let it note down what it found out.
    records = zsplit(repo.git(*_STATUS, env={"GIT_OPTIONAL_LOCKS": "1"}))
    lines = list(_parse(iter(records)))
    staged = any(line.staged != " " for line in lines)
    return Look(_head(records), staged, _changes(repo, lines) if lines else [])


def _head(records: Iterable[bytes]) -> str | None:
    said = next(record for record in records if record.startswith(_HEAD))
    oid = said.removeprefix(_HEAD).decode("ascii")
    return None if oid == "(initial)" else oid


def _changes(repo: Repository, lines: list[_Line]) -> list[Change]:
    pointers = _pointers(
        repo, {blob for line in lines for blob in (line.head_blob, line.index_blob)}
    )
    filtered = attributes.filtered_paths(repo, [line.path for line in lines])
    found = (_change(line, pointers, line.path in filtered) for line in lines)
    return [change for change in found if change is not None]


def _parse(records: Iterator[bytes]) -> Iterator[_Line]:
    for record in records:
        kind = record[:1]
        if kind not in _WORDS:
            continue
        words = record.split(b" ", _WORDS[kind])
        path = words.pop()
        old_path = next(records) if kind == b"2" else None
        letters = words[1].decode("ascii").replace(".", " ")
        work_mode = words[6] if kind == b"u" else words[5]
        # Of a conflict: stages 2 and 3, ours and theirs.
        first, second = (8, 9) if kind == b"u" else (6, 7)
        head, index = words[first].decode("ascii"), words[second].decode("ascii")
        yield _Line(
            letters[0], letters[1], path, old_path, head, index, work_mode.strip(b"0") != b""
        )


def _pointers(repo: Repository, blobs: Iterable[str]) -> Mapping[str, Pointer]:
    """The pointers among `blobs`; an id of zeros, which stands for no file, is none."""
    known = [blob for blob in blobs if blob.strip("0")]
    small = [
        info.oid
        for info in catfile.infos(repo, known)
        if info is not None and info.type == "blob" and info.size <= MAX_SIZE
    ]
    parsed = {
        found.oid: Pointer.parse(found.data) for found in catfile.objects(repo, small) if found
    }
    return {blob: pointer for blob, pointer in parsed.items() if pointer is not None}


def _change(line: _Line, pointers: Mapping[str, Pointer], filtered: bool) -> Change | None:
    head, index = (_version(blob, pointers) for blob in (line.head_blob, line.index_blob))
    if not filtered and not any(version and version.tracked for version in (head, index)):
        return None
    changed = line.unstaged.strip() and line.exists
    work_tree = Version(filtered, "") if changed else index if line.exists else None
    return Change(line.staged, line.unstaged, line.path, line.old_path, head, index, work_tree)


def _version(blob: str, pointers: Mapping[str, Pointer]) -> Version | None:
    if not blob.strip("0"):
        return None
    pointer = pointers.get(blob)
    return Version(False, blob[:_SHORT]) if pointer is None else Version(True, pointer.oid.short)
