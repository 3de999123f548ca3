"""``git mlvers repro``: bring a pipeline up to date."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_json, add_quiet
from git_mlvers.cli.render import path
from git_mlvers.errors import MlversError, UsageError

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.pipeline.report import Result

_NAMED = 10

SUMMARY = "Run the stages of a pipeline that are not up to date"
HELP = """
Runs the stages of `dvc.yaml` or `mlvers.yaml` in their order, each only if its
command, its params or the content of its dependencies or outputs is different from
what `mlvers.lock` tells of. If just the same was run before, by whoever's run cache
is here, its outputs are put in place without running anything.

A TARGET is a stage, a pipeline file (`models/dvc.yaml`), a stage of it
(`models/dvc.yaml:train`) or an output. What it depends on is brought up to date
first. Without any it is the pipeline file of the current folder, or all of them
where there is none.

Before a stage runs, its outputs are deleted, but for those with `persist: true`. What
nothing else has, as when you have edited an output, is kept before that, and the
command that brings it back is shown. A stage that fails or is stopped is not
recorded, and what it had before can be had back.

After each stage its outputs are staged, even where `.gitignore` hides them, and in
the end `mlvers.lock`; `git config mlvers.autostage false` turns that off.

Outputs with a file of 1 MiB or more are tracked by themselves, unless they are
`cache: false`. With `--pull`, content and files that are missing are brought first,
and the run cache of the git remote.

Each line of a command runs in a shell of its own (`$SHELL`), in the stage's `wdir`,
with `DVC_ROOT`, `DVC_STAGE` and `MLVERS_STAGE` in its environment.

## Examples

    git mlvers repro
    git mlvers repro --dry
    git mlvers repro train
    git mlvers repro -j 4 --keep-going
    git mlvers repro --downstream featurize

## Exit codes

`0` all is up to date; `1` a stage failed, or something that it needs does not exist;
`2` there is no such target, or a pipeline file is wrong; `4` content that a stage
needs is not here; `130` stopped by Ctrl-C.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add targets and options."""
    flag = parser.add_argument
    flag("targets", nargs="*", metavar="TARGET", help="a stage, a pipeline file, or an output")
    flag("-n", "--dry", action="store_true", help="only tell what would run")
    flag("-f", "--force", action="store_true", help="run stages even if they are up to date")
    flag("-s", "--single-item", action="store_true", help="not what the targets depend on")
    flag("--downstream", action="store_true", help="from the targets on, what depends on them")
    flag("--force-downstream", action="store_true", help="run all that depends on what has run")
    flag("-k", "--keep-going", action="store_true", help="go on with what a failure leaves")
    flag("-P", "--all-pipelines", action="store_true", help="all pipeline files there are")
    flag("--pull", action="store_true", help="bring what is missing from the remote first")
    flag("--allow-missing", action="store_true", help="take missing data for unchanged")
    flag("--no-run-cache", action="store_true", help="run what was run before, too")
    flag("-j", "--jobs", type=int, default=1, metavar="N", help="so many stages at once")
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Run what is to be run."""
    from git_mlvers.pipeline.report import Options
    from git_mlvers.pipeline.repro import reproduce
    from git_mlvers.workspace import Workspace

    if args.jobs < 1:
        raise UsageError("-j takes a number from 1 on")
    if args.targets and args.all_pipelines:
        raise UsageError("-P and TARGET exclude each other", "leave out one of them")
    options = Options(
        dry=args.dry,
        force=args.force,
        force_downstream=args.force_downstream,
        downstream=args.downstream,
        single=args.single_item,
        keep_going=args.keep_going,
        pull=args.pull,
        allow_missing=args.allow_missing,
        run_cache=not args.no_run_cache,
        all_pipelines=args.all_pipelines,
        jobs=args.jobs,
    )
    with Workspace.open(context.cwd, context.env) as workspace:
        report = ContextReport(context)
        result = reproduce(workspace, args.targets, options, report, cwd=context.cwd)
        staged = workspace.config.autostage
    tell(result, options.dry, staged, context)
    return MlversError.exit_code if result.failed else 0


def tell(result: Result, dry: bool, staged: bool, context: Context) -> None:
    """Say what came of it, and what to do with that."""
    if context.json:
        context.out_json({name: list(value) for name, value in result._asdict().items()})
        return
    if result.failed:
        what = ", ".join(f"'{address}'" for address in result.failed)
        context.warn(f"failed: {what}")
        if result.blocked:
            what = ", ".join(f"'{address}'" for address in result.blocked)
            context.warn(f"not tried, since they depend on those: {what}")
    if not result.changed:
        if not result.failed:
            context.say("Data and pipelines are up to date.")
    elif not dry:
        context.say("")
        if not staged:
            context.say("To record the outputs and the lock file: git add -f them, git commit")
        elif result.unstaged:
            context.say("Outputs and lock file are staged. What they were made of is not:")
            for name in result.unstaged[:_NAMED]:
                context.say(f"  {path(name)}")
            if len(result.unstaged) > _NAMED:
                context.say(f"  and {len(result.unstaged) - _NAMED} more")
            context.say("To record all of it: git add these, git commit")
        else:
            context.say("Outputs and lock file are staged. To record them: git commit")


class ContextReport:
    """Shows on the terminal what a repro does; a `Report`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._guard = threading.Lock()
        # With --json, standard output is for the answer alone.
        self.stdout: int | None = context.stderr.fileno() if context.json else None

    def line(self, text: str = "") -> None:
        """Show a line, before anything that a command writes after it."""
        with self._guard:
            if self._context.json:
                self._context.note(text)
                return
            self._context.say(text)
            self._context.stdout.flush()

    def warn(self, text: str, hint: str | None = None) -> None:
        """Show a warning."""
        with self._guard:
            self._context.warn(text, hint)

    def output(self, stage: str, line: bytes) -> None:
        """Show a line of a stage's command, with its name in front."""
        text = line.decode("utf-8", "surrogateescape")
        with self._guard:
            if self._context.json:
                self._context.note(f"[{stage}] {text}")
                return
            self._context.out(f"[{stage}] {text}")
            self._context.stdout.flush()
