"""Which stage is next, what becomes of it, and what when it fails or all of it is stopped."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.pipeline import content, keep, lock, restore, staging, steps
from git_mlvers.pipeline.report import Result, StageError
from git_mlvers.pipeline.runner import Runner
from git_mlvers.pipeline.session import paths_of, runs_always

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.pipeline.graph import Graph
    from git_mlvers.pipeline.guard import Groups
    from git_mlvers.pipeline.keep import WayBack
    from git_mlvers.pipeline.model import Stage
    from git_mlvers.pipeline.report import Options, Report
    from git_mlvers.pipeline.session import Session, State

_AHEAD = 32
"""So many stages are looked at together after a run: each look starts git three times."""


class _Running(NamedTuple):
    """A stage whose commands run: its state before, and how its old outputs can be had back."""

    stage: Stage
    state: State
    way_back: WayBack | None


class Schedule:
    """The stages of one repro in their `order`."""

    def __init__(
        self,
        session: Session,
        graph: Graph,
        order: Sequence[Stage],
        options: Options,
        report: Report,
        groups: Groups,
    ) -> None:
        self._session = session
        self._options = options
        self._report = report
        self._order = list(order)
        self._number = {stage.address: number for number, stage in enumerate(order)}
        self._needs = {
            stage.address: {up.address for up in graph.upstream(stage)} & self._number.keys()
            for stage in order
        }
        self._unmet = {address: set(needs) for address, needs in self._needs.items()}
        self._after: dict[str, list[str]] = {}
        for address, needs in self._needs.items():
            for need in needs:
                self._after.setdefault(need, []).append(address)
        # Those whose turn it is, as their numbers; the order counts among them.
        self._turn = [self._number[name] for name, needs in self._unmet.items() if not needs]
        self._running: dict[str, _Running] = {}
        self._runner = Runner(session, report, groups, options.jobs)
        self._done: dict[str, str] = {}
        self._errors: list[MlversError] = []
        self._locks: set[str] = set()
        self._said = self._said_alone = False

    def run(self) -> Result:
        """Do all of it; raises the error of the stage that failed, unless others go on then."""
        self._session.look(self._order)
        if self._options.pull:
            self._pull()
        try:
            while self._running or (self._turn and not self._must_stop()):
                self._begin_some()
                if self._running:
                    self._end(*self._runner.wait())
        except BaseException:
            self._stop()
            raise
        finally:
            steps.stage_locks(self._session, sorted(self._locks), self._report)
        return self._result()

    def _begin_some(self) -> None:
        """Begin with stages whose turn it is, as long as there is room for them."""
        jobs = max(1, self._options.jobs)
        while self._turn and len(self._running) < jobs and not self._must_stop():
            number = heapq.heappop(self._turn)
            stage = self._order[number]
            try:
                self._look(number)
                self._decide(stage)
            except MlversError as error:
                self._fail(stage, error, None)

    def _settle(self, address: str, what: str) -> None:
        """Note what became of a stage, and whose turn it is by that."""
        self._done[address] = what
        settled = [address]
        for now in settled:
            bad = self._done[now] in ("failed", "blocked")
            for after in self._after.get(now, ()):
                self._unmet[after].discard(now)
                if after in self._done:
                    continue
                if bad:
                    self._done[after] = "blocked"
                    settled.append(after)
                elif not self._unmet[after]:
                    heapq.heappush(self._turn, self._number[after])

    def _look(self, number: int) -> None:
        """Find out how things stand for a stage, and on the way for those that come after it."""
        stage = self._order[number]
        if self._session.is_fresh(stage):
            return
        also: list[Stage] = []
        if not self._running:
            following = self._order[number + 1 : number + 1 + _AHEAD]
            also = [other for other in following if other.address not in self._done]
        self._session.look([stage, *also])

    def _decide(self, stage: Stage) -> None:
        session, options = self._session, self._options
        state = session.state(stage)
        if stage.frozen:
            self._pass_frozen(stage, state)
            return
        upstream = self._needs[stage.address]
        made = any(self._done.get(address) in ("ran", "restored") for address in upstream)
        forced = options.force or (options.force_downstream and made)
        if options.dry and made:
            self._run(stage, state)
            return
        steps.require_deps(stage, state) if not options.dry else None
        if not forced and not runs_always(stage):
            if session.is_known(stage, state, run_cache=options.run_cache):
                self._pass(stage, state)
                return
            earlier = restore.find(session, stage, state, run_cache=options.run_cache)
            if earlier is not None and self._restore(stage, state, earlier):
                return
        self._run(stage, state)

    def _pass(self, stage: Stage, state: State) -> None:
        self._say(f"Stage '{stage.address}' didn't change, skipping", alone=True)
        self._settle(stage.address, "skipped")
        if not self._options.dry:
            self._record_lock(stage, state)

    def _pass_frozen(self, stage: Stage, state: State) -> None:
        missing = [path for path, name in state.outs.items() if name is None]
        if missing and not self._options.allow_missing:
            raise StageError(
                f"stage '{stage.address}' is frozen, and its output {missing[0]} does not exist",
                f"git mlvers unfreeze {stage.address}",
            )
        self._say(f"Stage '{stage.address}' is frozen, skipping", alone=True)
        self._settle(stage.address, "skipped")

    def _restore(self, stage: Stage, state: State, earlier: restore.Earlier) -> bool:
        session = self._session
        if not self._options.dry:
            if self._options.keep:
                self._tell_kept(stage, keep.secure(session, stage, state))
            restored = restore.restore(session, stage, state, earlier)
            paths = [out.path for out in stage.outs]
            stats = staging.stats_below(session.repo.top, paths)
            session.forget()
            session.look([stage])
            state = session.state(stage)
            if not restored or state.result != earlier.result:
                return False
            steps.stage_outputs(session, stage, stats, self._report)
        self._say(f"Stage '{stage.address}' is cached - skipping run, checking out outputs")
        if not self._options.dry:
            self._record_lock(stage, state)
        self._settle(stage.address, "restored")
        return True

    def _run(self, stage: Stage, state: State) -> None:
        report, options = self._report, self._options
        if options.dry:
            self._say(f"Running stage '{stage.address}':")
            for cmd in stage.cmds:
                report.line(f"> {cmd}")
            self._settle(stage.address, "ran")
            return
        way_back = steps.prepare(
            self._session, stage, state, fetching=options.pull, keeping=options.keep
        )
        self._tell_kept(stage, way_back)
        self._running[stage.address] = _Running(stage, state, way_back)
        self._say(f"Running stage '{stage.address}':")
        self._runner.start(stage)

    def _end(self, address: str, error: Exception | None) -> None:
        """The commands of a stage have ended."""
        running = self._running.pop(address)
        self._session.forget()
        if error is None:
            try:
                steps.finish(self._session, running.stage, running.state, self._report)
            except MlversError as caught:
                error = caught
        if error is None:
            self._locks.add(lock.path_of(running.stage))
            self._settle(address, "ran")
        elif isinstance(error, MlversError):
            self._fail(running.stage, error, running.way_back)
        else:
            raise error

    def _fail(self, stage: Stage, error: MlversError, way_back: WayBack | None) -> None:
        self._settle(stage.address, "failed")
        self._errors.append(error)
        if self._options.keep_going or self._running:
            self._report.warn(error.message, error.hint)
        self._tell_way_back(stage, way_back)

    def _must_stop(self) -> bool:
        return bool(self._errors) and not self._options.keep_going

    def _stop(self) -> None:
        """All of it is over: end what runs, and say how what was deleted can be had back."""
        self._runner.stop()
        for running in self._running.values():
            self._tell_way_back(running.stage, running.way_back)

    def _result(self) -> Result:
        if self._errors and not self._options.keep_going:
            raise self._errors[0]
        by_what: dict[str, list[str]] = {}
        for address, what in self._done.items():
            by_what.setdefault(what, []).append(address)
        made = [
            path
            for stage in self._order
            if self._done.get(stage.address) in ("ran", "restored")
            for path in (*stage.deps, *(params.path for params in stage.params))
        ]
        unstaged = () if self._options.dry else staging.unstaged(self._session.repo, made)
        found = {what: tuple(addresses) for what, addresses in by_what.items()}
        return Result(**found, unstaged=tuple(unstaged))

    def _pull(self) -> None:
        paths = [path for stage in self._order for path in paths_of(stage)]
        content.pull(self._session, paths)
        self._session.forget()

    def _record_lock(self, stage: Stage, state: State) -> None:
        if steps.write_lock(self._session, stage, state, self._report):
            self._locks.add(lock.path_of(stage))

    def _say(self, text: str, *, alone: bool = False) -> None:
        """Begin with what is told of a stage, apart from all before it unless that was short."""
        if self._said and not (alone and self._said_alone):
            self._report.line()
        self._said, self._said_alone = True, alone
        self._report.line(text)

    def _tell_kept(self, stage: Stage, way_back: WayBack | None) -> None:
        if way_back is not None and way_back.new:
            self._say(
                f"What stood at the outputs of '{stage.address}' is nowhere else, and is kept."
                f" To have it back:\n\t{way_back.command}"
            )

    def _tell_way_back(self, stage: Stage, way_back: WayBack | None) -> None:
        if way_back is not None:
            self._report.line(
                f"The outputs that '{stage.address}' had before are kept."
                f" To have them back:\n\t{way_back.command}"
            )
