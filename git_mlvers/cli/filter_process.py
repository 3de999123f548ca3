"""``git mlvers filter-process``: the filter that git starts once per command."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.workspace import Workspace

SUMMARY = "Clean and smudge many files for git"
HELP = """
Git starts this program by itself, once per command, when `filter.mlvers.process`
names it (`git mlvers install` writes that). It speaks the protocol that
gitattributes(5) calls "Long Running Filter Process" on its standard input and
output, and puts the hooks of git-mlvers into the repository if they are missing.

There is no reason to start it by hand; `git mlvers clean` and `git mlvers smudge`
do a single file.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add no options."""


def run(args: argparse.Namespace, context: Context) -> int:
    """Serve git on standard input and output."""
    return run_words([], context)


def run_words(words: list[str], context: Context) -> int:
    """Serve git on standard input and output."""
    from git_mlvers.filter.process import serve
    from git_mlvers.filter.session import Session
    from git_mlvers.workspace import Workspace

    # Thousands of small objects live until the end here, and none of them in cycles: looking
    # for cycles again and again would take a tenth of the time.
    gc.set_threshold(100_000)
    if words:
        raise UsageError(f"filter-process takes no arguments, and was given {words[0]!r}")
    workspace = Workspace.open(context.cwd, context.env)
    code = serve(0, 1, Session(workspace))
    _ensure_hooks(workspace, context)
    return code


def _ensure_hooks(workspace: Workspace, context: Context) -> None:
    from git_mlvers import hooks
    from git_mlvers.tracking import switch

    for remark in hooks.ensure(workspace.repo, workspace.config):
        context.note(f"git-mlvers: {remark}")
    switch.ensure_quietly(workspace.repo, workspace.config)
