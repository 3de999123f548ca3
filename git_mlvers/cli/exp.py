"""``git mlvers exp``: experiments. What each verb does stands in a module of its own."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "Run experiments, compare them, and keep the best"

VERBS = {
    "run": "exp_run",
    "queue": "queue",
    "show": "exp_show",
    "list": "exp_list",
    "diff": "exp_diff",
    "apply": "exp_apply",
    "branch": "exp_branch",
    "save": "exp_save",
    "rename": "exp_rename",
    "remove": "exp_remove",
    "clean": "exp_clean",
    "push": "exp_push",
    "pull": "exp_pull",
}
"""The verbs, and the modules that do them."""

HELP = """
## Synopsis

    git mlvers exp run [-S [FILE:]KEY=VALUE]... [-n NAME] [-m MSG] [-f] [--pull]
                       [--temp] [-j N] [--queue] [TARGET...]
    git mlvers exp queue ACTION...
    git mlvers exp show [-a | -A] [-n N] [--sort-by NAME [--sort-order asc|desc]]
                        [--filter COND]... [--keep REGEX]... [--drop REGEX]...
                        [--only-changed | --all-columns] [--ids] [--precision N]
                        [--json | --csv | --md] [REV...]
    git mlvers exp list [-A | --rev REV] [--name-only] [--json]
    git mlvers exp diff [--all] [--precision N] [--json | --csv | --md] [A [B]]
    git mlvers exp apply NAME
    git mlvers exp branch NAME [BRANCH]
    git mlvers exp save [-n NAME] [-m MSG] [-f]
    git mlvers exp rename NAME NEW
    git mlvers exp remove [--failed] NAME... | --rev REV | -A
    git mlvers exp remove -g GIT_REMOTE NAME...
    git mlvers exp clean [--kept]
    git mlvers exp push [-A] [-f] GIT_REMOTE [NAME...]
    git mlvers exp pull [-A] GIT_REMOTE [NAME...]

## Description

An experiment is a run of the pipeline with other params, code or data. It is kept as a
commit of its own on top of the one that is checked out, under `refs/mlvers/exps/`, with
the whole working tree: changes that are not committed and files that are not tracked
are part of it, files that `.gitignore` hides are not. Branches stay as they are. Its
params and metrics are noted on it, as on any commit.

`exp run` sets params, brings the pipeline up to date as git-mlvers-repro(1) does, and
keeps what came of that. A stage that has run just so before is not run again.

`-S KEY=VALUE` changes a param in `params.yaml`, or in FILE; everything else in the file
stays as it is written. KEY leads into mappings by dots and into lists by numbers:
`train.layers[0]`. VALUE is read as YAML: `1e-3` is a number, `[1, 2]` a list, `'1'` a
text. `+KEY=VALUE` adds a param that is not there, `++KEY=VALUE` sets it in any case,
`~KEY` removes it.

Several values are a sweep: `-S train.C=0.1,1,10`, `-S "seed=range(0,10,2)"`,
`-S "kind=choice(a,b)"`. With several of those there is an experiment for each combination.

In the working tree, one experiment runs at a time, and leaves there what it made. If a
stage fails, it is kept as one that failed, and params are put back as they were. The same
happens on Ctrl-C, and the command is shown that brings back all files; if the program
is killed, the next `exp run` does so.

With `--temp` it runs in a working tree of its own, and yours stays as it is. Files there
come from the cache, as a reflink or, with `git config mlvers.cacheLink hardlink`, a hard
link. A sweep always does so; `-j N` runs so many at once.

`--queue` only writes down what is to be run, with the files as they are now.
git-mlvers-queue(1) runs it.

`exp show` prints the working tree, the commit that is checked out (or those named, or
those of `-a`, `-A`, `-n`) and its experiments, with all metrics and with the params
that are not the same everywhere. What has no room on the terminal is named below the
table; `--csv` and `--json` have everything. `--sort-by` and `--filter` take the
name of a metric or param, or its end: `--filter "accuracy>=0.9"`. Experiments that
failed, wait, or run are marked. Those of DVC (`refs/exps`) are shown too.

`exp diff` compares params and metrics of two experiments or commits. The same names
serve metrics, params and plots commands, wherever these take a commit. NAME is the
name, `exp-` with the beginning of the commit's id, or the ref: an experiment is a
commit, and `git log`, `git diff` and `git switch --detach` take the ref.

`exp apply` puts the files of an experiment into the working tree, so that `repro` has
nothing to do. What was there before is kept, untracked files too where the experiment
has others at their paths, and the command that brings it back is printed. Your
index stays. `exp branch` makes a branch of an experiment, `exp save` keeps the working
tree as one without running anything. `exp remove` prints how to have one back.

`exp clean` deletes logs of experiments that are gone, and working trees that a killed
run has left; with `--kept` also what stood in your working tree before experiments.

`exp push` sends experiments to a git remote, with their content to its remote and with
their notes, `exp pull` brings them; without names those of the commit that is checked
out. All experiments of a commit stand under one ref there, so that a sweep of a
thousand costs others nothing. Two who push at once both have theirs there afterwards.
What was removed there (`exp remove -g origin NAME`) is not sent again unless forced.

Commands of stages find `MLVERS_EXP_NAME`, `DVC_EXP_NAME` and `DVC_EXP_BASELINE_REV` in
their environment.

## Examples

    git mlvers exp run -S train.C=10
    git mlvers exp run -n big-net -S "model.layers=[128, 64]" -S +model.dropout=0.1
    git mlvers exp run -S train.C=0.1,1,10 -S features=all,few -j 2
    git mlvers exp run --queue -S train.C=100
    git mlvers queue start -j 2
    git mlvers exp show --sort-by accuracy --sort-order desc
    git mlvers exp apply big-net

## Exit codes

`0` done; `1` a stage failed, of this or of any other experiment; `2` there is no such
param or target, or a pipeline file is wrong; `4` content that a stage needs is not here;
`130` stopped by Ctrl-C.
"""


class Verb(Protocol):
    """What the module of a verb offers."""

    SUMMARY: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add its options and arguments."""

    def run(self, args: argparse.Namespace, context: Context) -> int:
        """Do it, and return the exit code."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs."""
    verbs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name in VERBS:
        verb = _load(name)
        verb.configure(verbs.add_parser(name, add_help=False, help=verb.SUMMARY))


def run(args: argparse.Namespace, context: Context) -> int:
    """Do what the verb says."""
    return _load(args.action).run(args, context)


def _load(name: str) -> Verb:
    return cast("Verb", import_module(f"git_mlvers.cli.{VERBS[name]}"))
