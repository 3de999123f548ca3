"""The program's entry: which command is run, and what becomes of errors."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from git_mlvers.cli import crash, exp, main
from git_mlvers.cli.context import Context
from git_mlvers.errors import ContentMissing, MlversError
from tests.support.environment import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import Repo


def call(*words: str, **env: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    context = Context({**os.environ, **env}, None, out, err)
    code = main.guarded(words, context)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """What `git mlvers version` raises in this test: the last element."""
    errors: list[BaseException] = []

    def run(args: object, context: Context) -> int:
        raise errors[-1]

    module = main.COMMANDS["version"].load()
    monkeypatch.setattr(module, "run", run)
    return errors


def test_every_command_has_its_module_and_the_same_summary() -> None:
    for command in main.COMMANDS.values():
        module = command.load()
        assert command.summary == module.SUMMARY, command.name
        assert module.HELP.strip()
        assert callable(module.run_words if command.plumbing else module.run)


def test_no_module_of_a_command_is_unlisted() -> None:
    directory = os.path.dirname(main.__file__)
    named = {command.module_name.rpartition(".")[2] for command in main.COMMANDS.values()}
    named.update(exp.VERBS.values())
    for name in os.listdir(directory):
        if name.endswith(".py"):
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                is_command = "\nSUMMARY = " in file.read() and name != "overview.py"
            assert is_command == (name[:-3] in named), name


def test_an_error_is_a_sentence_a_hint_and_a_code(failing: list[BaseException]) -> None:
    failing.append(ContentMissing("the content of x is nowhere", "git mlvers fetch"))
    code, out, err = call("version")
    assert (code, out) == (4, "")
    assert err == "git-mlvers: the content of x is nowhere\nhint: git mlvers fetch\n"


def test_debug_shows_the_trace_as_well(failing: list[BaseException]) -> None:
    failing.append(MlversError("no"))
    code, _, err = call("version", MLVERS_DEBUG="1")
    assert code == 1
    assert err.startswith("Traceback")
    assert err.endswith("git-mlvers: no\n")


def test_a_fault_of_the_program_is_one_sentence_and_a_report(
    failing: list[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    failing.append(ZeroDivisionError("division by zero\nand more"))
    code, out, err = call("version")
    assert (code, out) == (70, "")
    assert "Traceback" not in err
    first, hint = err.splitlines()
    assert "ZeroDivisionError: division by zero" in first
    report = hint.split()[-1]
    with open(report, encoding="utf-8") as file:
        text = file.read()
    os.unlink(report)
    assert "Traceback" in text
    assert "command: version" in text


def test_the_report_is_kept_in_the_repository(
    failing: list[BaseException], repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.cache_dir().mkdir()
    monkeypatch.chdir(repo.path)
    failing.append(ZeroDivisionError())
    _, _, err = call("version")
    assert str(repo.cache_dir()) in err


def test_a_report_has_no_values_of_options(
    failing: list[BaseException], repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from git_mlvers.cli import crash

    text = crash._compose(ValueError("x"), ["remote", "modify", "storage", "secret", "hunter2"])
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, ""),
        (OSError(28, "No space left on device", "/x"), 7, "No space left on device: /x"),
        (OSError(13, "Permission denied", b"/\xff"), 7, "Permission denied: /\udcff"),
    ],
)
def test_other_endings(
    failing: list[BaseException], error: BaseException, code: int, said: str
) -> None:
    failing.append(error)
    ended, _, err = call("version")
    assert ended == code
    assert said in err
    assert bool(err) == bool(said)


@pytest.mark.parametrize(
    ("word", "hint"),
    [("pus", "did you mean push?"), ("lsfiles", "did you mean ls-files?"), ("xyz", "help lists")],
)
def test_an_unknown_command_gets_a_suggestion(word: str, hint: str) -> None:
    code, _, err = call(word)
    assert code == 2
    assert f"no command {word!r}" in err
    assert hint in err


def test_a_wrong_option_names_the_manual() -> None:
    code, _, err = call("install", "--nonsense")
    assert code == 2
    assert "--nonsense" in err
    assert "hint: git mlvers help install" in err


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["help"]])
def test_the_overview(words: list[str]) -> None:
    code, out, _ = call(*words)
    assert code == 0
    assert all(f" {name} " in out for name in main.COMMANDS)
    assert "EXIT CODES" in out


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("name", ["track", "filter-process", "remote"])
def test_a_commands_manual(name: str, option: str) -> None:
    code, out, _ = call(name, option)
    assert code == 0
    assert out.startswith(f"NAME\n    git-mlvers-{name} - {main.COMMANDS[name].summary}")
    assert call("help", name)[1] == out
    assert call("help", f"git-mlvers-{name}")[1] == out


def test_help_after_two_dashes_is_a_path() -> None:
    assert not main.wants_help(["--", "-h"])


def test_version_as_an_option() -> None:
    assert call("--version") == call("version")


def test_a_reader_that_leaves_is_no_fault(home: Path) -> None:
    ran = subprocess.run(
        "git mlvers help 2>err | head -1; echo ${PIPESTATUS[0]}; cat err",
        shell=True,
        executable="/bin/bash",
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = ran.stdout.splitlines()
    assert lines[0] == "NAME"
    assert len(lines) == 2, lines


def test_a_full_disk_is_told_when_output_ends_there(home: Path) -> None:
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            ["git-mlvers", "version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ran.returncode == 7
    assert ran.stderr == "git-mlvers: cannot write the output: No space left on device\n"


def test_closed_streams_are_no_fault(repo: Repo) -> None:
    ran = repo.program("sh", "-c", "git-mlvers version >&- 2>&- <&-", check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    ran = repo.program("sh", "-c", "git-mlvers nonsense >&- <&-", check=False)
    assert ran.returncode == 2
    assert "no command" in ran.stderr


def test_starting_costs_little() -> None:
    code = "import sys; from git_mlvers.cli import main; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"argparse", "json", "dataclasses", "pathlib", "subprocess", "rich", "fsspec"}
    assert not heavy & set(ran.stdout.split())


def test_a_package_that_is_not_installed(repo: Repo) -> None:
    repo.commit("empty", "--allow-empty")
    program = str(CHECKOUT / "bin/git-mlvers")
    ran = repo.program(sys.executable, "-S", program, "ls-files", check=False)
    assert ran.returncode == 1
    said, hint = ran.stderr.splitlines()
    assert said.startswith("git-mlvers: the Python package blake3 is not installed for ")
    for package in ("blake3", "pyfastcdc", "fsspec", "tenacity", "pathspec", "rich"):
        assert package in hint.partition("pip install ")[2].split(",")[0].split()


def test_the_packages_that_are_needed() -> None:
    with (CHECKOUT / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)["project"]["dependencies"]
    names = {re.split("[><;]", requirement)[0] for requirement in wanted}
    assert names == set(crash._LIBRARIES.values())
