"""What should be a pointer in history and is none, and the other way round.

Someone without git-mlvers, or with another one, commits files over a tracked
pattern as they are. Git is content with that; whoever checks such a commit out
has the raw file in history for ever. The attributes that count are those of
each commit itself, not those of the working tree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git import attributes, promised, refs
from git_mlvers.git.catfile import infos, objects
from git_mlvers.maintain.history import File, files_of, steps
from git_mlvers.pointer import MAX_SIZE, Pointer, describe_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from git_mlvers.git.repository import Repository

RAW = "content instead of a pointer"
STRAY = "a pointer at a path that is not tracked"
UNKNOWN = "not here to be looked at (partial clone)"

# The shortest and the longest text of a pointer. Bytes.
_SHORTEST, _LONGEST = 100, 130
_LOOK = 4 * MAX_SIZE


class Fault(NamedTuple):
    """A file of a commit (hex id) that is not what its path's attributes say it is."""

    commit: str
    path: bytes
    what: str

    @property
    def is_error(self) -> bool:
        """Whether it is more than a warning."""
        return self.what not in (STRAY, UNKNOWN)


class _Job(NamedTuple):
    """Files to look at in one commit, under the attributes of `source`.

    That is a commit with the same ones, or `attributes.INDEX`.
    """

    commit: str
    source: str
    files: list[File]


def faults_of_commit(repo: Repository, commit: str) -> list[Fault]:
    """The faults in the whole tree of a commit (hex id)."""
    return _check(repo, [_Job(commit, commit, files_of(repo, commit))])


def errors_of_commit(
    repo: Repository, commit: str, in_index: list[File] | None = None
) -> list[Fault]:
    """The errors alone, for which only tracked files have to be looked at.

    If the index has just the tree of the commit, `in_index` are the files of both.
    """
    if in_index is None:
        job = _Job(commit, commit, files_of(repo, commit))
    else:
        job = _Job(commit, attributes.INDEX, in_index)
    tracked = _filtered(repo, [job])
    files = [file for file in job.files if file.path in tracked[job.source]]
    found = _check(repo, [job._replace(files=files)], tracked) if files else []
    return [fault for fault in found if fault.is_error]


def faults_of_range(repo: Repository, span: str) -> list[Fault]:
    """The faults that the commits of ``A..B`` brought, each at the first commit that has it.

    Raises `UnknownRevision`.
    """
    jobs = []
    sources: dict[str, str] = {}
    for step in steps(repo, span):
        # Without a change to attributes they are those of the first parent.
        parent = next(iter(step.parents), None)
        source = step.commit if step.whole or parent is None else sources.get(parent, parent)
        sources[step.commit] = source
        files = files_of(repo, step.commit) if step.whole else step.files
        jobs.append(_Job(step.commit, source, files))
    return _check(repo, jobs)


def _check(
    repo: Repository, jobs: Sequence[_Job], filtered: Mapping[str, set[bytes]] | None = None
) -> list[Fault]:
    blobs = list(dict.fromkeys(file.blob for job in jobs for file in job.files))
    sizes = _sizes(repo, blobs, jobs)
    filtered = filtered if filtered is not None else _filtered(repo, jobs)
    texts = _texts(repo, _worth_reading(jobs, sizes, filtered))
    found = []
    seen: set[File] = set()
    for job in jobs:
        for file in job.files:
            if file in seen:
                continue
            tracked = file.path in filtered[job.source]
            what = _fault(tracked, sizes[file.blob], texts.get(file.blob))
            if what is not None:
                seen.add(file)
                found.append(Fault(job.commit, file.path, what))
    return found


def _fault(tracked: bool, size: int | None, text: bytes | None) -> str | None:
    is_pointer = text is not None and Pointer.parse(text) is not None
    if not tracked:
        return STRAY if is_pointer else None
    if size is None:
        return UNKNOWN
    if is_pointer or size == 0:
        return None
    return (describe_fault(text) if text is not None else None) or RAW


def _worth_reading(
    jobs: Iterable[_Job], sizes: Mapping[str, int | None], filtered: Mapping[str, set[bytes]]
) -> Iterator[str]:
    """Blobs whose text decides: on tracked paths all short ones, else those of a pointer's size."""
    seen: set[str] = set()
    for job in jobs:
        tracked = filtered[job.source]
        for path, blob in job.files:
            size = sizes[blob]
            if size is None or size > _LOOK or blob in seen:
                continue
            if path in tracked or _SHORTEST <= size <= _LONGEST:
                seen.add(blob)
                yield blob


def _filtered(repo: Repository, jobs: Iterable[_Job]) -> dict[str, set[bytes]]:
    """For each source of attributes, the paths that go through the filter."""
    paths: dict[str, set[bytes]] = {}
    for job in jobs:
        paths.setdefault(job.source, set()).update(file.path for file in job.files)
    return {
        source: attributes.filtered_paths(repo, sorted(wanted), source)
        for source, wanted in paths.items()
    }


def _sizes(repo: Repository, blobs: Sequence[str], jobs: Iterable[_Job]) -> dict[str, int | None]:
    """The size of each blob in bytes; ``None`` for one that cannot be known without fetching it."""
    known: Sequence[str] = blobs
    sizes: dict[str, int | None] = dict.fromkeys(blobs)
    if repo.partial:
        here = promised.present(repo, blobs)
        long = _bring(repo, set(blobs) - here, jobs)
        sizes.update(dict.fromkeys(long, _LOOK + 1))
        here = promised.present(repo, blobs)
        known = [blob for blob in blobs if blob in here]
    for blob, info in zip(known, infos(repo, known), strict=True):
        sizes[blob] = None if info is None else info.size
    return sizes


def _bring(repo: Repository, absent: set[str], jobs: Iterable[_Job]) -> set[str]:
    """Fetch what is short of the `absent` blobs of a partial clone.

    Returns all that git remotes were asked for: one of them that is absent even
    then is too long for a pointer, and that is all that matters of it.
    """
    asked: set[str] = set()
    for job in jobs:
        wanted = absent.intersection(file.blob for file in job.files) - asked
        if wanted and promised.bring_small(repo, refs.resolve(repo, job.commit, "tree")):
            asked |= wanted
    return asked


def _texts(repo: Repository, blobs: Iterable[str]) -> dict[str, bytes]:
    return {found.oid: found.data for found in objects(repo, list(blobs)) if found is not None}
