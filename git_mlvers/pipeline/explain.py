"""Why a stage would run: what is different from the run that its lock file tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.pipeline.session import runs_always

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git_mlvers.pipeline.model import Stage
    from git_mlvers.pipeline.recipe import Recipe
    from git_mlvers.pipeline.runcache import Fact
    from git_mlvers.pipeline.session import Session, State

MISSING = "missing"
NEW, MODIFIED, REMOVED = "new", "modified", "removed"


class Reason(NamedTuple):
    """One thing that is different.

    `what` is ``dep``, ``param``, ``out``, ``command``, ``wdir`` or ``stage``; `name`
    says which one. For a param `file` is where it stands, with the values that it
    `old`-ly had and has `new`-ly.
    """

    what: str
    change: str
    name: str = ""
    file: str = ""
    old: object = None
    new: object = None

    def as_json(self) -> dict[str, object]:
        """For ``--json``; what does not apply is left out."""
        shown: dict[str, object] = {"what": self.what, "change": self.change}
        if self.name:
            shown["name"] = self.name
        if self.what == "param":
            shown.update(file=self.file, old=self.old, new=self.new)
        elif self.what in ("command", "wdir"):
            shown.update(old=self.old, new=self.new)
        return shown


def explain(session: Session, stage: Stage) -> list[Reason]:
    """Why `stage` would run or have its outputs restored; empty if it is up to date.

    Its paths were looked at.
    """
    if stage.frozen:
        state = session.state(stage)
        return list(_missing_outs(state))
    if runs_always(stage):
        return [Reason("stage", "always runs")]
    state = session.state(stage)
    if session.is_known(stage, state):
        return []
    missing = [Reason("dep", MISSING, path) for path in state.missing]
    fact = session.last_fact(stage, state)
    if fact is None:
        known = session.lock.facts(stage)
        if any(key == state.key for key, _ in known):  # only what came out is different
            return [*_missing_outs(state)] or [Reason("out", MODIFIED)]
        change = "changed since it ran" if known else "never run"
        return [*missing, *_missing_outs(state), Reason("stage", change)]
    reasons = [*_of_recipe(fact.recipe, state.recipe), *_of_outs(fact, state)]
    return reasons or [Reason("stage", "changed since it ran")]


def _of_recipe(old: Recipe, new: Recipe) -> Iterator[Reason]:
    if old.cmds != new.cmds:
        yield Reason("command", MODIFIED, old="\n".join(old.cmds), new="\n".join(new.cmds))
    if old.wdir != new.wdir:
        yield Reason("wdir", MODIFIED, old=old.wdir, new=new.wdir)
    for path, change in _differences(old.deps, new.deps):
        yield Reason("dep", change, path)
    for file in sorted({*old.params, *new.params}):
        before, now = old.params.get(file, {}), new.params.get(file, {})
        yield from _of_params(file, before, now)
    for path in sorted(set(old.outs) ^ set(new.outs)):
        yield Reason("out", REMOVED if path in old.outs else NEW, path)


def _of_params(file: str, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[Reason]:
    for key in sorted({*old, *new}):
        if key not in new:
            yield Reason("param", REMOVED, key, file, old[key], None)
        elif key not in old:
            yield Reason("param", NEW, key, file, None, new[key])
        else:
            yield from _of_values(file, key, old[key], new[key])


def _of_values(file: str, key: str, old: object, new: object) -> Iterator[Reason]:
    """What is different in a value; of a section, each value in it."""
    if isinstance(old, dict) and isinstance(new, dict):
        inside = f"{key}." if key else ""
        yield from _of_params(
            file,
            {f"{inside}{name}": value for name, value in old.items()},
            {f"{inside}{name}": value for name, value in new.items()},
        )
    elif old != new or type(old) is not type(new):
        yield Reason("param", MODIFIED, key, file, old, new)


def _of_outs(fact: Fact, state: State) -> Iterator[Reason]:
    for path, name in state.outs.items():
        if name is None:
            yield Reason("out", MISSING, path)
        elif path in fact.outs and fact.outs[path] != name:
            yield Reason("out", MODIFIED, path)


def _missing_outs(state: State) -> Iterator[Reason]:
    return (Reason("out", MISSING, path) for path, name in state.outs.items() if name is None)


def _differences(
    old: Mapping[str, str | None], new: Mapping[str, str | None]
) -> Iterator[tuple[str, str]]:
    for path in sorted({*old, *new}):
        if path not in new:
            yield path, REMOVED
        elif new[path] is None:
            yield path, MISSING
        elif path not in old:
            yield path, NEW
        elif old[path] != new[path]:
            yield path, MODIFIED
