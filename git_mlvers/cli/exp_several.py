"""Experiments in working trees of their own, as the user sees them run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.render import count
from git_mlvers.errors import MlversError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from git_mlvers.cli.context import Context
    from git_mlvers.experiments.tasks import Outcome, Task
    from git_mlvers.workspace import Workspace


class Shown:
    """Shows what tasks print, and remembers how they ended.

    With `several`, the name of the experiment stands before each line.
    """

    def __init__(self, context: Context, *, several: bool) -> None:
        self._context = context
        self._several = several
        self.ended: list[tuple[Task, Outcome]] = []

    def show(self, task: Task, data: bytes) -> None:
        """Show what `task` has printed."""
        context = self._context
        if context.quiet:
            return
        stream = context.stderr if context.json else context.stdout
        text = data.decode("utf-8", "surrogateescape")
        if self._several:
            text = "".join(f"[{task.name}] {line}\n" for line in text.splitlines())
        stream.write(text)
        stream.flush()

    def end(self, task: Task, outcome: Outcome) -> None:
        """Say how `task` ended, where there are several."""
        self.ended.append((task, outcome))
        if self._several:
            self._context.say(f"[{task.name}] {told(outcome)}")
            self._context.stdout.flush()

    def failed(self) -> list[tuple[Task, Outcome]]:
        """Those that did not end well."""
        return [(task, out) for task, out in self.ended if out.status != "done"]


def told(outcome: Outcome) -> str:
    """How a task ended, in words."""
    if outcome.status == "done":
        return f"done (exp-{outcome.commit[:5]})"
    return f"{outcome.status}: {outcome.message}"


def run_now(workspace: Workspace, wanted: Sequence[Task], jobs: int, context: Context) -> int:
    """Run the tasks `wanted`, which are nobody else's, and say what came of them; the exit code."""
    from git_mlvers.experiments import tasks
    from git_mlvers.experiments.pool import Pool

    shown = Shown(context, several=len(wanted) > 1)
    waiting = iter(wanted)
    try:
        Pool(workspace, jobs, shown.show, shown.end).run(lambda: next(waiting, None))
    finally:
        # Of one that failed before it could be kept, the log is all there is.
        told_of = {task.id for task, outcome in shown.ended if not outcome.commit}
        tasks.remove(workspace.repo, [task for task in wanted if task.id not in told_of])
    return _tell(shown, context)


def _tell(shown: Shown, context: Context) -> int:
    failed = shown.failed()
    if context.json:
        context.out_json({"experiments": [as_json(*each) for each in shown.ended]})
    for task, outcome in shown.ended:
        if outcome.left_out:
            what = ", ".join(outcome.left_out[:3])
            context.warn(f"{count(len(outcome.left_out), 'untracked path')} of '{task.name}' not"
                         f" part of it: {what}")  # fmt: skip
    if len(shown.ended) == 1:
        return _tell_one(*shown.ended[0], context)
    context.say("")
    good = [task.name for task, outcome in shown.ended if (task, outcome) not in failed]
    if good:
        context.say(f"Ran {count(len(good), 'experiment')}: {', '.join(good)}")
        context.say("To compare them: git mlvers exp show")
    for task, outcome in failed:
        if outcome is not None and not outcome.commit:
            # Nothing else has kept why.
            context.warn(f"experiment '{task.name}' has failed: {outcome.message}", outcome.hint)
    if failed:
        names = ", ".join(task.name for task, _ in failed)
        context.warn(
            f"{count(len(failed), 'experiment')} failed: {names}", "git mlvers queue logs NAME"
        )
    return MlversError.exit_code if failed else 0


def _tell_one(task: Task, outcome: Outcome, context: Context) -> int:
    short = f" (exp-{outcome.commit[:5]})" if outcome.commit else ""
    if outcome.status != "done":
        if outcome.commit:
            context.say(f"Experiment '{task.name}'{short} has failed, and is kept.")
        error = MlversError(outcome.message, outcome.hint)
        error.exit_code = outcome.exit_code
        raise error
    context.say("")
    context.say(f"Ran experiment '{task.name}'{short}. Your working tree is as it was.")
    return 0


def as_json(task: Task, outcome: Outcome | None) -> dict[str, object]:
    """How a task ended, for ``--json``."""
    status = "interrupted" if outcome is None else outcome.status
    found: dict[str, object] = {"name": task.name, "status": status}
    if outcome is not None:
        found |= {"commit": outcome.commit or None}
        if outcome.message:
            found["error"] = outcome.message
    return found


def describe(requests: Sequence[Task], say: Callable[[str], None]) -> None:
    """Say which experiments there are, and what they set."""
    say(f"{count(len(requests), 'experiment')}:")
    for task in requests:
        words = " ".join(setting.text for setting in task.request.settings)
        say(f"  {task.name}  {words}".rstrip())
