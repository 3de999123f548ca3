"""Which stage needs which: edges where what one reads meets what another writes."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from typing import TYPE_CHECKING

from git_mlvers.pipeline.errors import PipelineError
from git_mlvers.pipeline.paths import is_inside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from git_mlvers.pipeline.model import Stage


class Graph:
    """The stages with their edges. Made once; raises `PipelineError` for what cannot be run:
    two stages that write one path, one output inside another, a pipeline file inside an
    output, and stages that need each other.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)
        self._at = {stage.address: at for at, stage in enumerate(self.stages)}
        self._owners: dict[str, int] = {}
        for at, stage in enumerate(self.stages):
            for out in stage.outs:
                self._add_out(out.path, at)
        self._sorted = sorted(path + "/" for path in self._owners)
        self._check_overlaps()
        self._up = [self._needs(stage) for stage in self.stages]
        self._down: list[list[int]] = [[] for _ in self.stages]
        for at, needed in enumerate(self._up):
            for other in needed:
                self._down[other].append(at)
        self._check_cycles()

    def upstream(self, stage: Stage) -> list[Stage]:
        """The stages whose outputs `stage` reads itself."""
        return [self.stages[at] for at in self._up[self._at[stage.address]]]

    def downstream(self, stage: Stage) -> list[Stage]:
        """The stages that read outputs of `stage` themselves."""
        return [self.stages[at] for at in self._down[self._at[stage.address]]]

    def owner(self, path: str) -> Stage | None:
        """The stage that writes `path`, or a directory that it is in."""
        found = self._covering(path)
        return None if found is None else self.stages[self._owners[found]]

    def reads(self, stage: Stage) -> list[str]:
        """The outputs of stages that `stage` reads, in whole or in part."""
        found: dict[str, None] = {}
        for path in (*stage.deps, *(params.path for params in stage.params)):
            above = self._covering(path)
            found.update(dict.fromkeys(self._inside(path) if above is None else [above]))
        return list(found)

    def order(
        self, targets: Sequence[Stage] = (), *, downstream: bool = False, single: bool = False
    ) -> list[Stage]:
        """What to run, each after what it needs.

        Without `targets` all stages. With them, these and what they need (what a
        frozen stage needs is left out); with `downstream`, these and what needs
        them; with `single`, these alone in the order given.
        """
        chosen = [self._at[stage.address] for stage in targets]
        if single:
            return [self.stages[at] for at in dict.fromkeys(chosen)]
        if downstream:
            found = self._postorder(chosen, self._down_thawed)
            wanted = set(found)
            ordered = self._postorder(sorted(wanted), self._up_thawed)
            return [self.stages[at] for at in ordered if at in wanted]
        start = chosen if targets else range(len(self.stages))
        return [self.stages[at] for at in self._postorder(start, self._up_thawed)]

    # Edges

    def _add_out(self, path: str, at: int) -> None:
        other = self._owners.setdefault(path, at)
        if other != at:
            raise PipelineError(
                f"{path} is an output of {self._where(other)} and of {self._where(at)}",
                "a path can be written by one stage",
            )

    def _check_overlaps(self) -> None:
        for path, at in self._owners.items():
            above = posixpath.dirname(path)
            holder = None if above == path else self._covering(above)
            if holder is not None:
                raise PipelineError(
                    f"{path}, an output of {self._where(at)}, is inside {holder}, "
                    f"an output of {self._where(self._owners[holder])}",
                    "outputs cannot be inside each other",
                )
        for file in {stage.file for stage in self.stages}:
            holder = self._covering(file)
            if holder is not None:
                where = self._where(self._owners[holder])
                raise PipelineError(f"{file} is inside {holder}, an output of {where}")

    def _needs(self, stage: Stage) -> list[int]:
        return list(dict.fromkeys(self._owners[path] for path in self.reads(stage)))

    def _covering(self, path: str) -> str | None:
        """The output that is `path` or a directory above it."""
        while path:
            if path in self._owners:
                return path
            above = posixpath.dirname(path)
            if above == path:
                return None
            path = above
        return None

    def _inside(self, folder: str) -> Iterator[str]:
        """The outputs below `folder`."""
        prefix = "" if folder == "." else folder + "/"
        for at in range(bisect_left(self._sorted, prefix), len(self._sorted)):
            path = self._sorted[at]
            if not path.startswith(prefix):
                return
            if is_inside(path, folder):
                yield path[:-1]

    # Walking

    def _up_thawed(self, at: int) -> Sequence[int]:
        return () if self.stages[at].frozen else self._up[at]

    def _down_thawed(self, at: int) -> Sequence[int]:
        return [other for other in self._down[at] if not self.stages[other].frozen]

    def _postorder(
        self, start: Sequence[int] | range, edges: Callable[[int], Sequence[int]]
    ) -> list[int]:
        """What can be reached from `start`, each after all that it leads to; without recursion."""
        done: dict[int, None] = {}
        seen: set[int] = set()
        for first in start:
            stack: list[tuple[int, Iterator[int]]] = []
            if first not in seen:
                seen.add(first)
                stack.append((first, iter(edges(first))))
            while stack:
                at, rest = stack[-1]
                following = next((other for other in rest if other not in seen), None)
                if following is None:
                    done[at] = None
                    stack.pop()
                else:
                    seen.add(following)
                    stack.append((following, iter(edges(following))))
        return list(done)

    def _check_cycles(self) -> None:
        place = {at: n for n, at in enumerate(self._postorder(range(len(self._up)), self._all_up))}
        for at, needed in enumerate(self._up):
            for other in needed:
                if place[other] >= place[at]:
                    raise self._cycle(at, other)

    def _all_up(self, at: int) -> Sequence[int]:
        return self._up[at]

    def _cycle(self, last: int, first: int) -> PipelineError:
        """The error that names a way from `last`, which needs `first`, to `first`."""
        if last == first:
            return PipelineError(f"{self._where(last)} reads what it writes itself")
        came: Mapping[int, int] = self._ways_from(first)
        way = [last]
        while way[-1] != first:
            way.append(came[way[-1]])
        names = [self.stages[at].address for at in way]
        names.append(names[0])
        return PipelineError(
            f"these stages need each other: {' -> '.join(names)}",
            "a stage cannot read what comes of its own outputs",
        )

    def _ways_from(self, first: int) -> dict[int, int]:
        came: dict[int, int] = {}
        queue = [first]
        for at in queue:
            for other in self._up[at]:
                if other not in came and other != first:
                    came[other] = at
                    queue.append(other)
        return came

    def _where(self, at: int) -> str:
        stage = self.stages[at]
        line = f", line {stage.line}" if stage.line else ""
        return f"stage {stage.name!r} ({stage.file}{line})"
