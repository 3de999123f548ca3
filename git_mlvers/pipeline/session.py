"""What a look at the stages of a working tree needs, joined: paths, values, facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.git.scratch import Entry
from git_mlvers.pipeline.lock import Lock
from git_mlvers.pipeline.paramvalues import ParamValues
from git_mlvers.pipeline.recipe import Recipe, recipe_of, result_key
from git_mlvers.pipeline.runcache import Fact, RunCache
from git_mlvers.pipeline.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_mlvers.pipeline.model import Out, Stage
    from git_mlvers.pipeline.source import Source
    from git_mlvers.workspace import Workspace


class MissingDep(MlversError):
    """A dependency of a stage is not there."""


class State(NamedTuple):
    """What a stage is made of now, and what stands at its outputs; ``None`` for what is missing."""

    recipe: Recipe
    outs: Mapping[str, str | None]

    @property
    def key(self) -> str:
        """`K`."""
        return self.recipe.key

    @property
    def result(self) -> str | None:
        """`O`; ``None`` if an output is missing."""
        return None if None in self.outs.values() else result_key(self.outs)

    @property
    def missing(self) -> list[str]:
        """Dependencies that are not there."""
        return [path for path, name in self.recipe.deps.items() if name is None]


class Session:
    """The stages of one working tree, as they stand now. `stages` are all that there are."""

    def __init__(
        self,
        workspace: Workspace,
        source: Source,
        stages: Iterable[Stage],
        *,
        allow_missing: bool = False,
    ) -> None:
        self.workspace = workspace
        self.repo = workspace.repo
        self.values = ParamValues(source)
        self.lock = Lock(source, workspace.repo.top)
        self.runs = RunCache(workspace.repo)
        self.snapshot = Snapshot(
            workspace, (out.path for stage in stages for out in stage.outs if is_stored(out))
        )
        self.attributes_changed = False
        """Whether ``.gitattributes`` was changed on the way, and is to be staged."""
        self._allow_missing = allow_missing
        self._fresh: set[str] = set()

    def look(self, stages: Iterable[Stage]) -> None:
        """Find out what stands at the paths of `stages`, where that is not known yet."""
        self.look_at(path for stage in stages for path in paths_of(stage))

    def look_at(self, paths: Iterable[str]) -> None:
        """The same for single paths."""
        wanted = [path for path in dict.fromkeys(paths) if path not in self._fresh]
        if wanted:
            self.snapshot.look(wanted)
            self._fresh.update(wanted)

    def is_fresh(self, stage: Stage) -> bool:
        """Whether nothing can have changed at the paths of `stage` since they were looked at."""
        return all(path in self._fresh for path in paths_of(stage))

    def forget(self) -> None:
        """Anything may have changed: the next `look` looks again."""
        self._fresh.clear()
        self.values.forget()

    def state(self, stage: Stage) -> State:
        """What `stage` is made of, and what stands at its outputs; its paths were looked at."""
        names = {path: self.snapshot.name(path) for path in paths_of(stage)}
        if self._allow_missing and None in names.values():
            self._fill_in(stage, names)
        recipe = recipe_of(stage, names, self.values.of(stage))
        return State(recipe, {out.path: names[out.path] for out in stage.outs})

    def is_known(self, stage: Stage, state: State, *, run_cache: bool = True) -> bool:
        """Whether it is a fact that `stage` makes what stands there of what it is made of."""
        result = state.result
        if result is None:
            return False
        if self.lock.has(stage, state.key, result):
            return True
        return run_cache and result in self.runs.results(state.key)

    def last_fact(self, stage: Stage, state: State | None = None) -> Fact | None:
        """The fact about `stage` that its lock file has; of several, the one most like `state`."""
        found = [
            fact
            for key, result in self.lock.facts(stage)
            if (fact := self.runs.fact(key, result)) is not None
        ]
        if state is None or len(found) < 2:
            return found[-1] if found else None
        return max(found, key=lambda fact: _likeness(fact.recipe, state.recipe))

    def stored(self, stage: Stage) -> list[Entry] | None:
        """What Git has of the outputs of `stage`; ``None`` if it does not have all of them."""
        entries: list[Entry] = []
        for out in stage.outs:
            some = self.snapshot.entries(out.path)
            if not some and not (is_stored(out) and self.snapshot.is_plain(out.path)):
                return None
            entries.extend(some)
        return entries

    def close(self) -> None:
        """End what was started."""
        self.runs.close()
        self.snapshot.close()

    def _fill_in(self, stage: Stage, names: dict[str, str | None]) -> None:
        """For what is missing, take what the index has, or what was there at the last run."""
        for path in names:
            if names[path] is None:
                names[path] = self.snapshot.staged_name(path)
        if None in names.values():
            fact = self.last_fact(stage)
            before = {**fact.recipe.deps, **fact.outs} if fact is not None else {}
            names.update((path, before.get(path)) for path in names if names[path] is None)


def paths_of(stage: Stage) -> Sequence[str]:
    """The paths of the dependencies and outputs of `stage`."""
    return [*stage.deps, *(out.path for out in stage.outs)]


def is_stored(out: Out) -> bool:
    """Whether Git is to keep the content of an output, even where ``.gitignore`` hides it."""
    return out.cache or out.kind != "out"


def is_inside(path: str) -> bool:
    """Whether `path` is one of the working tree."""
    return not path.startswith(("/", "../"))


def runs_always(stage: Stage) -> bool:
    """Whether nothing tells when `stage` would have nothing to do."""
    nothing_declared = not stage.deps and not stage.params and not stage.outs
    return stage.always_changed or nothing_declared


def _likeness(a: Recipe, b: Recipe) -> int:
    same = sum(a.deps.get(path) == name for path, name in b.deps.items())
    return same + sum(
        a.params.get(file, {}).get(key) == value
        for file, values in b.params.items()
        for key, value in values.items()
    )
