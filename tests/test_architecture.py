"""The shape of the code, held by tests: layers, what may start programs, what a filter imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.environment import CHECKOUT
from tests.support.git import Repo, noise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = CHECKOUT / "git_mlvers"
LONGEST_FILE = 400
"""Lines. A longer file holds more than one idea."""

READS_ENVIRONMENT = (
    "config",
    "cli",
    "git/process.py",  # only hands it on to git
    "backend/fsspec_adapter.py",  # tells a client what that takes in no other way
)
STARTS_PROGRAMS = ("git", "cli/help.py", "pipeline/shell.py")

# Each of these costs more than everything else that a filter or hook does for a small file.
TOO_HEAVY = {"aiobotocore", "aiohttp", "asyncio", "botocore", "dulwich", "fsspec", "gcsfs"}
TOO_HEAVY |= {"importlib.metadata", "moto", "requests", "rich", "s3fs", "tenacity", "yaml"}


def modules() -> list[Path]:
    """Every source file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def outside(*parts: str) -> Iterator[tuple[str, ast.Module]]:
    """Name and syntax tree of every source file that is not in one of `parts`."""
    for path in modules():
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(tuple(part if "." in part else f"{part}/" for part in parts)):
            yield name, ast.parse(path.read_bytes())


def test_imports_go_downwards_only() -> None:
    ran = subprocess.run(
        ["lint-imports", "--no-cache", "--no-logo"], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_environment_is_read_at_the_edge_only() -> None:
    readers = {
        f"{name}:{node.lineno}"
        for name, tree in outside(*READS_ENVIRONMENT)
        for node in ast.walk(tree)
        if _names(node) & {"environ", "environb", "getenv", "getenvb"}
    }
    assert not readers


def test_programs_are_started_in_one_place_only() -> None:
    starters = {
        f"{name}:{node.lineno}"
        for name, tree in outside(*STARTS_PROGRAMS)
        for node in ast.walk(tree)
        if any(_starts_programs(word) for word in _names(node))
    }
    assert not starters


def test_no_file_is_long() -> None:
    lengths = {str(path.relative_to(PACKAGE)): _lines(path) for path in modules()}
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FILE}


def test_no_error_is_swallowed_whole() -> None:
    swallowed = {
        f"{name}:{node.lineno}"
        for name, tree in outside()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and _catches_everything(node)
        and all(isinstance(statement, ast.Pass) for statement in node.body)
    }
    assert not swallowed


def _names(node: ast.AST) -> set[str]:
    """The names that `node` imports, or looks up in `os`."""
    match node:
        case ast.Import(names=names):
            return {alias.name for alias in names}
        case ast.ImportFrom(module=module, names=names):
            return {alias.name for alias in names} | {module or ""}
        case ast.Attribute(value=ast.Name(id="os"), attr=name):
            return {name}
    return set()


def _catches_everything(handler: ast.ExceptHandler) -> bool:
    match handler.type:
        case None | ast.Name(id="Exception" | "BaseException"):
            return True
    return False


def _starts_programs(name: str) -> bool:
    starts = ("exec", "spawn", "posix_spawn")
    return name in {"subprocess", "multiprocessing", "fork", "forkpty", "popen", "system"} or (
        name.startswith(starts) and name not in {"exec"}
    )


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


class TestImportBudget:
    """What git starts for every command must be light."""

    @pytest.fixture(autouse=True)
    def _set_up(self, installed: Path, repo: Repo) -> None:
        self.repo = repo
        repo.mlvers("init")
        repo.attributes("*.bin")
        repo.write("small.bin", noise(2000))
        repo.write("large.bin", noise(300_000))
        repo.config("mlvers.populateMin", "100000")

    def imported(self, *args: str) -> set[str]:
        """The modules that the Python programs under ``git ARGS`` imported."""
        ran = self.repo.run(*args, env={"PYTHONPROFILEIMPORTTIME": "1"})
        lines = [line for line in ran.stderr.splitlines() if line.startswith("import time:")]
        names = {line.rsplit("|", 1)[1].strip() for line in lines}
        return names | {name.partition(".")[0] for name in names}

    def test_clean(self) -> None:
        found = self.imported("add", ".")
        assert "git_mlvers" in found
        assert not found & TOO_HEAVY

    def test_smudge(self) -> None:
        self.repo.commit()
        for name in ("small.bin", "large.bin"):
            self.repo.remove(name)
        found = self.imported("checkout", "--", ".")
        assert "git_mlvers" in found
        assert not found & TOO_HEAVY
        self.repo.assert_whole()

    def test_hooks(self) -> None:
        self.repo.git("add", ".")
        found = self.imported("commit", "-q", "-m", "one")
        found |= self.imported("checkout", "-q", "-b", "other")
        assert not found & TOO_HEAVY

    def test_push_to_a_directory(self, tmp_path: Path) -> None:
        self.repo.commit()
        Repo.init(tmp_path / "origin.git", "--bare")
        found = self.imported("push", "-q", str(tmp_path / "origin.git"), "main")
        assert "git_mlvers" in found
        assert not found & TOO_HEAVY

    def test_push_of_nothing_that_is_ours(self, tmp_path: Path) -> None:
        origin = str(Repo.init(tmp_path / "origin.git", "--bare").path)
        self.repo.commit()
        self.repo.git("push", "-q", origin, "main")
        self.repo.write("plain.txt", b"plain")
        self.repo.commit()
        found = self.imported("push", "-q", origin, "main")
        found |= self.imported("mlvers", "hook", "pre-push", origin, origin)
        assert "git_mlvers.pushing" in found
        assert not found & (TOO_HEAVY | {"git_mlvers.cache", "git_mlvers.remote", "sqlite3"})

    @pytest.mark.parametrize("module", ["git_mlvers.__main__", "git_mlvers.remote_helper"])
    def test_before_a_program_hears_ctrl_c(self, module: str) -> None:
        names = []
        for code in ("import sys", f"import sys; from {module} import entry"):
            code += "; print(*sys.modules)"
            ran = self.repo.program(sys.executable, "-c", code, env={"PYTHONPATH": str(CHECKOUT)})
            names.append(set(ran.stdout.split()))
        assert names[1] - names[0] <= {"git_mlvers", module, "__future__"}

    def test_version(self) -> None:
        found = self.imported("mlvers", "version")
        assert "git_mlvers" in found
        assert not found & TOO_HEAVY
