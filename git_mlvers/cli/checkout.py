"""``git mlvers checkout``: content from the cache into the working tree."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from git_mlvers.cli.fetch import failure
from git_mlvers.cli.options import add_json, add_quiet
from git_mlvers.cli.selection import Selection
from git_mlvers.errors import ContentMissing

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from git_mlvers.cli.context import Context
    from git_mlvers.filter.checkout import Filled

SUMMARY = "Put content from the cache into the working tree"
HELP = """
Puts content in the place of every pointer that stands in the working tree, as far
as the cache has it. Nothing is downloaded (`git mlvers pull` does that), and a
file that is not exactly a pointer is never touched.

## Examples

    git mlvers checkout
    git mlvers checkout data/train

## Exit codes

`0` done, though some pointers may be left; `1` no file in Git is a PATH that was
named; `4` the content of one is not in the cache; `7` the disk is full or read-only.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add paths and options."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="only what lies there")
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Fill in what the cache has."""
    from git_mlvers.filter.checkout import fill_in, standing_pointers
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        specs = Selection(workspace, context.cwd, args.paths).pathspecs
        entries = standing_pointers(workspace, specs)
        missing = set(workspace.cache.missing(entry.pointer for entry in entries))
        filled = fill_in(workspace, [e for e in entries if e.pointer not in missing])
    if context.json:
        context.out_json({**as_json(filled), "left": len(missing)})
        code = exit_code(filled)
    else:
        code = tell(filled, context)
        tell_left(len(missing), context)
    return code or (ContentMissing.exit_code if missing and args.paths else 0)


def tell(filled: Sequence[Filled], context: Context) -> int:
    """Say what was put in place, and give the exit code for it."""
    from git_mlvers.cli.render import count, path, size

    good = [item.pointer.size for item in filled if item.error is None]
    if good:
        context.say(f"Put {count(len(good), 'file')} in place, {size(sum(good))}.")
    for item in filled:
        if item.error is not None:
            context.warn(f"{path(os.fsdecode(item.path))}: {item.error.message}", item.error.hint)
    return exit_code(filled)


def tell_left(left: int, context: Context) -> None:
    """Say how many pointers are left whose content is not in the cache."""
    from git_mlvers.cli.render import count

    if left:
        verb = "is" if left == 1 else "are"
        context.note(f"{count(left, 'pointer')} {verb} left: the content is not in the cache.")
        context.note("hint: git mlvers pull")


def as_json(filled: Sequence[Filled]) -> dict[str, Any]:
    """What was put in place, as ``--json`` tells it."""
    good = [item.pointer.size for item in filled if item.error is None]
    failed = [
        failure(item.path, item.pointer, item.error) for item in filled if item.error is not None
    ]
    return {"placed": len(good), "bytes": sum(good), "failed": failed}


def exit_code(filled: Sequence[Filled]) -> int:
    """That of the first error, or 0."""
    return next((item.error.exit_code for item in filled if item.error is not None), 0)
