"""The reference: complete, and nothing in it that the code does not know."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import git_mlvers
from git_mlvers import errors, wiring
from git_mlvers.backend.schemes import SCHEMES
from git_mlvers.cli import main, manual, overview
from git_mlvers.config import committed, remotes, snapshot, source
from tests.support.environment import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REFERENCE = CHECKOUT / "docs/reference"
PACKAGE = CHECKOUT / "git_mlvers"

_KEY = re.compile(r"mlvers\.[a-zA-Z]+\Z")
_VARIABLE = re.compile(r"MLVERS_[A-Z_]+")
NO_KEYS = {"mlvers.json", "mlvers.lock", "mlvers.yaml"}
"""What looks like a key and is the name of a file."""


def table(name: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading of a page of the reference."""
    text = "\n" + (REFERENCE / name).read_text(encoding="utf-8")
    part = text.partition(f"\n{heading}\n")[2]
    rows = []
    for line in part.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip().replace("`", "") for cell in line.strip("|").split("|")])
        elif rows:
            break
    assert len(rows) > 2, f"no table below {heading!r} in {name}"
    return rows[2:]


def strings() -> Iterator[str]:
    """Every text in the code of the program that is no docstring of its own."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_commands_are_not_stale(tmp_path: Path) -> None:
    manual.write_reference(str(tmp_path / "commands.md"))
    fresh = (tmp_path / "commands.md").read_text(encoding="utf-8")
    stale = (REFERENCE / "commands.md").read_text(encoding="utf-8") != fresh
    assert not stale, "run: python -m git_mlvers.cli.manual docs/man docs/reference/commands.md"


def test_every_command_is_there() -> None:
    text = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    for name in main.COMMANDS:
        assert f"\n## git-mlvers-{name}\n" in text


def test_every_key_that_the_code_reads() -> None:
    read = {text.lower() for text in strings() if _KEY.match(text)} - NO_KEYS
    rows = table("configuration.md", "## Keys")
    assert {row[0].lower() for row in rows} == read
    for row in rows:
        assert f"`{row[0]}`" in overview.HELP, f"{row[0]} is not in git help mlvers"


def test_which_keys_may_be_committed() -> None:
    allowed = {row[0].lower() for row in table("configuration.md", "## Keys") if row[1] == "yes"}
    assert allowed == committed.TOP_KEYS
    options = table("configuration.md", "## Keys of a remote")
    assert {row[0] for row in options if row[1] == "yes"} == committed.REMOTE_KEYS
    assert all(row[1] in ("yes", "no") for row in options)


def test_every_option_of_a_remote() -> None:
    rows = table("configuration.md", "## Keys of a remote")
    known = {"url", *remotes.PLAIN_OPTIONS, *remotes.SECRET_OPTIONS}
    assert {row[0] for row in rows} == known
    for option, _, schemes, _ in rows[1:]:
        has = {name for name, scheme in SCHEMES.items() if option in scheme.options}
        assert set(schemes.split(", ")) == has, option


def test_defaults() -> None:
    defaults = {row[0]: row[2] for row in table("configuration.md", "## Keys")}
    assert defaults["mlvers.populateMin"] == f"{snapshot.POPULATE_MIN >> 20}m"
    assert defaults["mlvers.pruneDays"] == str(snapshot.PRUNE_DAYS)
    assert defaults["mlvers.gcGrace"] == snapshot.GC_GRACE
    assert defaults["mlvers.cacheLink"] == snapshot.CACHE_LINKS[0]


def test_every_variable_of_the_environment() -> None:
    rows = {row[0] for row in table("configuration.md", "## Environment variables")}
    read = {name for text in strings() for name in _VARIABLE.findall(text)}
    for shim in (CHECKOUT / "hooks").iterdir():
        read.update(_VARIABLE.findall(shim.read_text(encoding="utf-8")))
    assert rows == read | {"CI"}
    assert set(source._ENVIRONMENT) <= rows


def test_what_install_writes() -> None:
    rows = table("configuration.md", "## What `git mlvers install` writes")
    assert {row[0]: row[1] for row in rows} == wiring.wanted(wiring.Program(wiring.NAME, None))


def test_every_exit_code() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.MlversError)}
    codes |= {0, main.EXIT_BUG, main.EXIT_INTERRUPTED, main.EXIT_BROKEN_PIPE}
    assert [int(row[0]) for row in table("exit-codes.md", "# Exit codes")] == sorted(codes)


def test_the_version_is_in_the_changes() -> None:
    changes = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## {git_mlvers.__version__}" in changes
