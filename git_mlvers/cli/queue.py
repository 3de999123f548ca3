"""``git mlvers queue``, which is ``git mlvers exp queue`` too."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_json, add_quiet
from git_mlvers.cli.render import count, table
from git_mlvers.errors import MlversError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from git_mlvers.cli.context import Context
    from git_mlvers.experiments.tasks import Task
    from git_mlvers.workspace import Workspace

SUMMARY = "Run experiments that wait, and look after them"
HELP = """
## Synopsis

    git mlvers queue start [-j N] [-d]
    git mlvers queue status [--json]
    git mlvers queue logs [-f] NAME
    git mlvers queue stop [--kill]
    git mlvers queue kill NAME...
    git mlvers queue remove [--queued] [--done] [--failed] [--all] [NAME...]

## Description

`git mlvers exp run --queue` writes down experiments, with the files as they are then.
What waits is kept in the repository; it is still there after a reboot, and what was
running then is run again.

`start` runs all of it, `-j N` at once, each in a working tree of its own. Others may be
started meanwhile, and share the work. `-d` lets it go on in the background, also when you
log out. Ctrl-C stops all that runs, which then waits again.

`status` shows what waits, runs and has ended. `logs` prints what an experiment, which may
also be one that was not queued, has printed; `-f` goes on as long as it runs.

`stop` lets those who work on the queue end after what they run at present; with `--kill`
that is killed. `kill` ends single experiments with all programs they have started, and
nothing is kept of them.

`remove` forgets experiments that wait, or that have ended here; those that were made
stay. What runs is not removed.

## Examples

    git mlvers exp run --queue -S train.C=0.1,1,10
    git mlvers queue start -j 2 -d
    git mlvers queue status
    git mlvers queue logs -f brave-otter
    git mlvers queue stop
    git mlvers queue remove --done

## Exit codes

`0` done; `1` an experiment failed, or does not run; `2` there is none of that name; `130`
stopped by Ctrl-C.
"""

_POLL = 0.2
"""How often a log is looked at that grows. Seconds."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs."""
    verbs = parser.add_subparsers(dest="verb", metavar="ACTION", required=True)
    start = verbs.add_parser("start", add_help=False, help="run what waits")
    start.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="so many at once")
    start.add_argument("-d", "--detach", action="store_true", help="go on in the background")
    add_quiet(start)
    add_json(verbs.add_parser("status", add_help=False, help="show what waits, runs, has ended"))
    shown = verbs.add_parser("logs", add_help=False, help="print what an experiment has printed")
    shown.add_argument("-f", "--follow", action="store_true", help="as long as it runs")
    shown.add_argument("name", metavar="NAME", help="the experiment")
    stop = verbs.add_parser("stop", add_help=False, help="let what runs be the last")
    stop.add_argument("--kill", action="store_true", help="kill what runs")
    kill = verbs.add_parser("kill", add_help=False, help="end experiments that run")
    kill.add_argument("names", nargs="+", metavar="NAME", help="the experiment")
    gone = verbs.add_parser("remove", add_help=False, help="forget what waits, or has ended")
    gone.add_argument("names", nargs="*", metavar="NAME", help="the experiment")
    for which in ("queued", "done", "failed", "all"):
        gone.add_argument(f"--{which}", action="store_true", help=f"what is {which}"
                          if which != "all" else "all but what runs")  # fmt: skip


def run(args: argparse.Namespace, context: Context) -> int:
    """Do what the verb says."""
    from git_mlvers.workspace import Workspace

    verbs: dict[str, Callable[[Workspace, argparse.Namespace, Context], int]] = {
        "start": _start,
        "status": _status,
        "logs": _logs,
        "stop": _stop,
        "kill": _kill,
        "remove": _remove,
    }
    with Workspace.open(context.cwd, context.env) as workspace:
        return verbs[args.verb](workspace, args, context)


def _start(workspace: Workspace, args: argparse.Namespace, context: Context) -> int:
    from git_mlvers.cli.exp_several import Shown
    from git_mlvers.experiments import queue, tasks
    from git_mlvers.experiments.pool import Pool

    if args.jobs < 1:
        raise UsageError("-j takes a number from 1 on")
    waiting = [task for task in tasks.listed(workspace) if task.status() == tasks.QUEUED]
    if not waiting:
        context.say("Nothing waits. To queue experiments: git mlvers exp run --queue")
        return 0
    if args.detach:
        process = queue.start_detached(workspace, args.jobs)
        context.say(f"{count(len(waiting), 'experiment')} will run in process {process}.")
        context.say("To see how it goes: git mlvers queue status")
        return 0
    shown = Shown(context, several=True)
    with queue.working(workspace):
        Pool(workspace, args.jobs, shown.show, shown.end).run(queue.asker(workspace))
    failed = shown.failed()
    context.say(f"{len(shown.ended) - len(failed)} done, {len(failed)} failed")
    return MlversError.exit_code if failed else 0


def _status(workspace: Workspace, args: argparse.Namespace, context: Context) -> int:
    from git_mlvers.cli.exp_several import as_json
    from git_mlvers.experiments import queue, tasks

    found = tasks.listed(workspace)
    workers = queue.workers(workspace)
    if context.json:
        listed = [
            as_json(task, task.outcome()) | {"status": task.status(), "created": task.created}
            for task in found
        ]
        context.out_json({"tasks": listed, "workers": workers})
        return 0
    rows = [["Name", "Created", "Status", "Params"]]
    for task in found:
        created = time.strftime("%Y-%m-%d %H:%M", time.localtime(task.created))
        words = " ".join(setting.text for setting in task.request.settings)
        rows.append([task.name, created, task.status(), words])
    if found:
        context.out(table(rows))
        context.out("")
    else:
        context.out("Nothing waits, and nothing has run.")
    context.out(f"Workers: {len(workers)}")
    return 0


def _logs(workspace: Workspace, args: argparse.Namespace, context: Context) -> int:
    from git_mlvers.experiments import logs, refs, tasks

    task = next((each for each in reversed(tasks.listed(workspace)) if _is(each, args.name)), None)
    if task is not None:
        _print(task.log, context, lambda: args.follow and task.status() == tasks.RUNNING)
        return 0
    for experiment in refs.listed(workspace.repo):
        path = logs.path_of(workspace, experiment.commit)
        if args.name in (experiment.name, experiment.short, experiment.commit):
            if not os.path.exists(path):
                raise MlversError(f"the experiment {args.name!r} did not run here: it has no log")
            _print(path, context, lambda: False)
            return 0
    raise _unknown(args.name, tasks.listed(workspace), refs.listed(workspace.repo))


def _print(path: str, context: Context, goes_on: Callable[[], bool]) -> None:
    shown = 0
    while True:
        more = goes_on()
        if os.path.exists(path):
            with open(path, "rb") as file:
                file.seek(shown)
                data = file.read()
            shown += len(data)
            context.stdout.write(data.decode("utf-8", "surrogateescape"))
            context.stdout.flush()
        if not more:
            return
        time.sleep(_POLL)


def _stop(workspace: Workspace, args: argparse.Namespace, context: Context) -> int:
    from git_mlvers.experiments import pool, queue, tasks

    workers = queue.workers(workspace)
    queue.stop(workspace)
    if args.kill:
        for task in tasks.listed(workspace):
            if task.status() == tasks.RUNNING and pool.kill(workspace, task):
                context.say(f"killed {task.name}")
    what = "nobody works on the queue" if not workers else "no more of the queue is begun"
    context.say(what)
    return 0


def _kill(workspace: Workspace, args: argparse.Namespace, context: Context) -> int:
    from git_mlvers.experiments import pool

    code = 0
    for task in _named(workspace, args.names):
        if pool.kill(workspace, task):
            context.say(f"killed {task.name}")
        else:
            context.warn(f"{task.name} does not run: it is {task.status()}")
            code = MlversError.exit_code
    return code


def _remove(workspace: Workspace, args: argparse.Namespace, context: Context) -> int:
    from git_mlvers.experiments import tasks, trees

    which = {
        tasks.QUEUED: args.queued or args.all,
        tasks.DONE: args.done or args.all,
        tasks.FAILED: args.failed or args.all,
        tasks.KILLED: args.failed or args.all,
    }
    if not args.names and not any(which.values()):
        raise UsageError("which?", "git mlvers queue remove NAME, --queued, --done or --failed")
    chosen = {task.id: task for task in _named(workspace, args.names)}
    for task in tasks.listed(workspace):
        if which.get(task.status()):
            chosen[task.id] = task
    running = [task.name for task in chosen.values() if task.status() == tasks.RUNNING]
    if running:
        raise UsageError(f"{running[0]} runs", f"git mlvers queue kill {running[0]}")
    for task in chosen.values():
        trees.remove(workspace.repo, trees.path_of(workspace, task.id))
    tasks.remove(workspace.repo, chosen.values())
    context.say(f"removed {count(len(chosen), 'experiment')} from the queue")
    return 0


def _named(workspace: Workspace, names: Sequence[str]) -> list[Task]:
    from git_mlvers.experiments import tasks

    listed = tasks.listed(workspace)
    found = []
    for name in names:
        some = [task for task in listed if _is(task, name)]
        if not some:
            raise _unknown(name, listed)
        found += some
    return found


def _is(task: Task, name: str) -> bool:
    return name in (task.name, task.id)


def _unknown(name: str, *known: Sequence[object]) -> UsageError:
    import difflib

    names = [getattr(each, "name", "") for some in known for each in some]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else "git mlvers queue status"
    return UsageError(f"there is no experiment {name!r} in the queue", hint)
