"""The run cache: every fact there ever was, and the outputs that go with it, under one ref.

``refs/mlvers/runs`` is a history of trees like this::

    facts/<K[:2]>/<K>/<O>   the recipe as JSON, and the names of the outputs
    outs/<O[:2]>/<O>        a tree with the outputs at their paths

Nothing in it ever changes its content, so two of them are merged by taking both.
It is written by compare-and-swap: many may record at once, and none is lost.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git import refs
from git_mlvers.git.catfile import CatFile
from git_mlvers.git.command import GitError
from git_mlvers.git.trees import Item, parse_tree
from git_mlvers.pipeline.recipe import Recipe, canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from git_mlvers.git.repository import Repository

REF = "refs/mlvers/runs"
_WHO = "git-mlvers <git-mlvers@localhost>"
_TRIES = 20
_DEPTHS = {"facts": 3, "outs": 2}
"""How many folders down the names of things are; what is below them is not looked at."""


class Fact(NamedTuple):
    """`result` was made of `key`. `recipe` says what `key` stands for; `outs` are names by path."""

    key: str
    result: str
    recipe: Recipe
    outs: Mapping[str, str | None]


class RunCache:
    """The run cache of `repo`; `ref` may be another than its own one, to read from it."""

    def __init__(self, repo: Repository, ref: str = REF) -> None:
        self._repo = repo
        self._ref = ref
        self._cat = CatFile(repo)

    def results(self, key: str) -> Sequence[str]:
        """All results that are known of `key`."""
        return [item.name for item in self._items(f"facts/{key[:2]}/{key}")]

    def newest(self, key: str) -> str | None:
        """The result of `key` that was recorded last; ``None`` if there is none."""
        known = self.results(key)
        if len(known) < 2:
            return known[0] if known else None
        said = self._repo.git(
            *("log", "-1", "--format=", "--name-only", self._ref, "--", f"facts/{key[:2]}/{key}")
        )
        last = said.decode("ascii", "replace").strip().rpartition("/")[2]
        return last if last in known else known[-1]

    def fact(self, key: str, result: str) -> Fact | None:
        """The fact as it was recorded; ``None`` if it is not known here."""
        found = self._cat.read(f"{self._ref}:facts/{key[:2]}/{key}/{result}")
        if found is None or found.type != "blob":
            return None
        try:
            said = json.loads(found.data)
        except ValueError:
            return None
        if not isinstance(said, dict):
            return None
        recipe = Recipe.from_json(said["recipe"]) if isinstance(said.get("recipe"), dict) else None
        outs = said.get("made")
        if recipe is None or not isinstance(outs, dict):
            return None
        return Fact(key, result, recipe, outs)

    def outs(self, result: str) -> str | None:
        """The id of the tree that has the outputs `result`; ``None`` if they are not kept."""
        found = self._cat.info(f"{self._ref}:outs/{result[:2]}/{result}")
        return None if found is None or found.type != "tree" else found.oid

    def record(self, stage: str, facts: Sequence[Fact], tree: str | None) -> None:
        """Add `facts` about `stage`, all with one result; `tree` has its outputs, if all are kept.

        Raises `GitError` when the repository cannot be written.
        """
        lines = []
        for fact in facts:
            if fact.result not in self.results(fact.key):
                text = canonical({"recipe": fact.recipe.as_json(), "made": dict(fact.outs)})
                path = f"facts/{fact.key[:2]}/{fact.key}/{fact.result}"
                lines.append(b"M 100644 inline %b\n%b" % (path.encode("ascii"), _data(text)))
        result = facts[0].result
        if tree is not None and self.outs(result) is None:
            lines.append(f"M 040000 {tree} outs/{result[:2]}/{result}\n".encode("ascii"))
        if lines:
            self._commit(f"{stage}\n", lambda _: lines)

    def merge(self, other: str) -> bool:
        """Take in all that the run cache at the commit `other` has; whether that was anything."""
        tip = refs.resolve_ref(self._repo, self._ref)
        base = None
        if tip is not None:
            base = self._repo.git("merge-base", tip, other, check=False).strip().decode("ascii")
        if base == other:
            return False
        if base != tip or not self._move(other, tip):
            self._commit(f"Merge {other}\n", lambda now: self._differences(now, other), other)
        return True

    def close(self) -> None:
        """End what was started."""
        self._cat.close()

    def _move(self, new: str, old: str | None) -> bool:
        """Let the ref name the commit `new`, if it still names `old`."""
        try:
            self._repo.git("update-ref", self._ref, new, old or "0" * len(new))
        except GitError:
            return False
        return True

    def _differences(self, ours: str | None, theirs: str, path: str = "") -> list[bytes]:
        """What of `theirs` (a commit) is not in `ours`, at `path` and below it, to be added."""
        lines = []
        mine = {item.name: item for item in self._items(path, ours)} if ours else {}
        for item in self._items(path, theirs):
            place = f"{path}/{item.name}" if path else item.name
            here = mine.get(item.name)
            if here is None:
                mode = "040000" if item.is_tree else "100644"
                lines.append(f"M {mode} {item.oid} {place}\n".encode("ascii"))
            elif here.oid != item.oid and place.count("/") < _DEPTHS.get(place.split("/")[0], 0):
                lines += self._differences(ours, theirs, place)
        return lines

    def _items(self, path: str, commit: str | None = None) -> list[Item]:
        found = self._cat.read(f"{commit or self._ref}:{path}")
        if found is None or found.type != "tree":
            return []
        return parse_tree(found.data, self._repo.object_format)

    def _commit(
        self,
        message: str,
        make: Callable[[str | None], Sequence[bytes]],
        merged: str | None = None,
    ) -> None:
        """Move the ref to a commit with changes done; again, if another process was faster.

        `make` gives them for the commit that the ref names by then, if any.
        """
        for attempt in range(_TRIES):
            tip = refs.resolve_ref(self._repo, self._ref)
            commit = [
                f"commit {self._ref}\ncommitter {_WHO} {int(time.time())} +0000\n".encode("ascii"),
                _data(message.encode("utf-8", "replace")),
                b"" if tip is None else f"from {tip}\n".encode("ascii"),
                b"" if merged is None else f"merge {merged}\n".encode("ascii"),
                *make(tip),
                b"done\n",
            ]
            try:
                self._repo.git("fast-import", "--quiet", "--done", input=b"".join(commit))
                return
            except GitError:
                if attempt == _TRIES - 1 or refs.resolve_ref(self._repo, self._ref) == tip:
                    raise
                time.sleep(0.01 * attempt)


def _data(text: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(text), text)
