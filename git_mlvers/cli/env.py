"""``git mlvers env``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers import wiring
from git_mlvers.cli import inventory, setup
from git_mlvers.cli.options import add_json
from git_mlvers.cli.render import count, size, table
from git_mlvers.config import Config
from git_mlvers.errors import NotARepository
from git_mlvers.workspace import Workspace

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from git_mlvers.cli.context import Context
    from git_mlvers.cli.inventory import Inventory

SUMMARY = "Show versions, configuration, hooks and remotes"

HELP = """
Shows what matters when something does not work: the versions of git-mlvers, git,
Python and the libraries; whether the filter is set up, and for whom; the hooks of
this repository; each configured value and where it comes from (secrets are not
shown); the remotes, whether they can be reached and what they can do; and the cache.

Outside of a repository, shows what there is for the user.

## Examples

    git mlvers env
    git mlvers env --offline --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--offline", action="store_true", help="do not try to reach the remotes")
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Gather everything, and show it."""
    try:
        workspace = Workspace.open(context.cwd, context.env)
    except NotARepository:
        workspace = None
    config = Config.load(None, context.env) if workspace is None else workspace.config
    fault = config.committed_fault()
    found: Inventory = {
        "versions": inventory.versions(),
        "program": inventory.program(context.env),
        "filter": wiring.scopes(config),
        "configuration": inventory.settings(config),
        "problem": None if fault is None else str(fault),
    }
    if workspace is not None:
        with workspace:
            repo = workspace.repo
            found["repository"] = {"git directory": repo.git_dir, "files": repo.work_tree or "bare"}
            found["hooks"] = inventory.hook_states(workspace)
            found["remotes"] = inventory.remotes(workspace, reach=not args.offline)
            found["cache"] = inventory.cache(workspace)
    if context.json:
        context.out_json(found)
    else:
        _show(found, context)
    return 0


def _show(found: Inventory, context: Context) -> None:
    _section(context, "Versions", list(found["versions"].items()))
    places = ", ".join(setup.SCOPES.get(scope, scope) for scope in found["filter"])
    rows = [
        ("program", found["program"]),
        ("filter", f"set up for {places}" if places else "not set up: git mlvers install"),
        *found.get("repository", {}).items(),
    ]
    _section(context, "Set-up", rows)
    _section(context, "Hooks", list(found.get("hooks", {}).items()))
    settings = found["configuration"]
    _section(
        context,
        "Configuration",
        [(item["key"], item["value"], item["origin"]) for item in settings],
    )
    if found["problem"]:
        context.out(f"  {found['problem']}")
    remotes = found.get("remotes", [])
    _section(
        context,
        "Remotes",
        [
            (
                item["name"] + (" (default)" if item["default"] else ""),
                item["url"],
                item["state"],
                item["can"] if item["state"].startswith("reachable") else "",
            )
            for item in remotes
        ],
    )
    if "cache" in found:
        cache = found["cache"]
        text = cache["problem"] or f"{count(cache['files'], 'file')}, {size(cache['bytes'])}"
        _section(context, "Cache", [(cache["directory"], text)])


def _section(context: Context, title: str, rows: Sequence[Sequence[str]]) -> None:
    if rows:
        context.out(f"{title}:")
        context.out(table(rows, indent="  "))
