"""``git mlvers add``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.cli import ignored, patterns, setup
from git_mlvers.cli.options import add_quiet
from git_mlvers.cli.render import path as shown
from git_mlvers.errors import UsageError
from git_mlvers.git import command
from git_mlvers.git.attributes import FILE_NAME
from git_mlvers.git.repository import require_work_tree

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.git.repository import Repository

SUMMARY = "Track exactly these paths and add them"

HELP = """
Tracks each PATH by a line of its own in the `.gitattributes` at the top of the
working tree, unless a pattern covers it, and adds it as `git add` does, whatever its
size. A directory means all files in it, those that come later included.

A PATH that `.gitignore` hides is taken out of its way: a line `!/PATH` is put behind
the one that hides it. Where the directory around it is ignored as a whole, git cannot
make an exception; the file is added in spite of the line, and stays in Git from then on.

`.gitattributes` and `.gitignore` are added too, when their only changes are these.

## Examples

    git mlvers add model.bin 'results [final].csv'
    git mlvers add data/images
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the paths."""
    parser.add_argument("paths", metavar="PATH", nargs="+", help="a file or directory to add")
    add_quiet(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Track, un-ignore and add the paths."""
    repo = setup.repository(context)
    top = require_work_tree(repo)
    paths = [_inside(top, context.cwd, word) for word in args.paths]
    file = os.path.join(top, FILE_NAME)
    edited = _Edited(repo)
    for path in paths:
        patterns.refuse_git_files("/" + path)
        _track(repo, top, path, file, edited, context)
        _uncover(repo, path, edited, context)
    edited.stage(context)
    names = [os.path.join(top, path) for path in paths]
    repo.git("add", "-f", "--", *names)
    # What git has already, as it is, is no change to it: this makes it run the filter again.
    repo.git("add", "--renormalize", "--", *names)
    for path in paths:
        _tell(repo, path, context)
    return 0


_GITLINK = b"160000 "
"""How git's entry for a repository in the working tree begins."""


class _Edited:
    """The files of git's own that are changed on the way; those clean before are staged."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._clean: dict[str, bool] = {}

    def about_to(self, file: str) -> None:
        """`file` is about to be changed: see whether it has other changes already."""
        if file not in self._clean:
            self._clean[file] = not os.path.lexists(file) or (
                self._succeeds("ls-files", "--error-unmatch", "--", file)
                and self._succeeds("diff-files", "--quiet", "--", file)
            )

    def stage(self, context: Context) -> None:
        """Add the files that had no other change; tell of the others."""
        top = require_work_tree(self._repo)
        for file, clean in self._clean.items():
            name = shown(os.path.relpath(file, top))
            if clean:
                self._repo.git("add", "-f", "--", file)
            else:
                context.note(f"hint: {name} has other changes as well; add it with git add {name}")

    def _succeeds(self, *words: str) -> bool:
        return command.succeeds(*words, cwd=self._repo.top, env=self._repo.env)


def _inside(top: str, cwd: str, word: str) -> str:
    """`word`, typed in `cwd`, as a path from the top; raises `UsageError` for what cannot be added.

    Only the directory is resolved: a symbolic link is looked at, never followed.
    """
    full = os.path.normpath(os.path.join(cwd, word))
    real = os.path.join(os.path.realpath(os.path.dirname(full)), os.path.basename(full))
    path = os.path.relpath(real, os.path.realpath(top))
    if path == os.pardir or path.startswith(os.pardir + os.sep):
        raise UsageError(f"{shown(word)} is outside of the working tree {shown(top)}")
    if path.split(os.sep)[0] == ".git":
        raise UsageError(f"{shown(word)} belongs to git itself")
    if os.path.islink(real):
        raise UsageError(f"{shown(word)} is a symbolic link", "add the file that it points to")
    if not os.path.exists(real):
        raise UsageError(f"{shown(word)} does not exist")
    if not os.path.isfile(real) and not os.path.isdir(real):
        raise UsageError(f"{shown(word)} is neither a file nor a directory")
    _refuse_nested(top, path)
    return path


def _refuse_nested(top: str, path: str) -> None:
    """Raise `UsageError` when `path` is another repository, or in one."""
    parts = [] if path == os.curdir else path.split(os.sep)
    for number in range(1, len(parts) + 1):
        around = os.path.join(*parts[:number])
        if os.path.lexists(os.path.join(top, around, ".git")):
            raise UsageError(
                f"{shown(around)} is a repository of its own, whose files cannot be added here",
                "run git mlvers add in there",
            )


def _tell(repo: Repository, path: str, context: Context) -> None:
    """Say that `path` was added; or what of it was not, though git has no fault to find."""
    listed = command.zsplit(repo.git("ls-files", "-z", "--stage", "--", f":(top,literal){path}"))
    nested = [line.partition(b"\t")[2] for line in listed if line.startswith(_GITLINK)]
    if len(listed) > len(nested):
        context.say(f"added {shown(path)}")
    else:
        context.note(f"note: there is no file in {shown(path)} yet; those that come are tracked")
    for name in nested:
        context.note(
            f"note: {shown(os.fsdecode(name))} is a repository of its own; "
            "its files are not added here"
        )


def _track(
    repo: Repository, top: str, path: str, file: str, edited: _Edited, context: Context
) -> None:
    directory = os.path.isdir(os.path.join(top, path))
    if not directory and patterns.is_filtered(repo, path):
        return
    if path == os.curdir:
        pattern = "*"
    else:
        pattern = patterns.literal("/" + path) + ("/**" if directory else "")
    edited.about_to(file)
    if patterns.track(file, pattern):
        context.say(f"tracking {shown(pattern)}")
    if not directory and not patterns.is_filtered(repo, path):
        raise UsageError(
            f"{shown(path)} is tracked, but a .gitattributes nearer to it says otherwise",
            f"git check-attr -a {path}",
        )


def _uncover(repo: Repository, path: str, edited: _Edited, context: Context) -> None:
    line = ignored.find(repo, path)
    if line is None:
        return
    if not line.can_except:
        context.note(
            f"note: {shown(line.source)} ignores all of a directory ({shown(line.pattern)}), "
            f"so {shown(path)} is added in spite of it"
        )
        return
    edited.about_to(line.file)
    ignored.make_exception(line)
    context.say(f"{shown(line.source)} no longer ignores {shown(path)}")
