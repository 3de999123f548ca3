"""Sessions in the documentation: taken out of a page, run, and compared with what is shown.

A session is a fenced block ``console``: a line that begins with ``$`` is a command,
the lines below it are what it says, a line ``…`` stands for any number of lines.
All sessions of a page run in one shell, one after the other, in one directory.
What a page needs and does not show stands in a comment ``<!-- run first`` … ``-->``.

``python -m tests.support.console PAGE…`` runs pages and writes what is said into them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIMEOUT = 180
"""Seconds after which a page counts as hung."""

ELSEWHERE = "/home/you/demo"
"""What a page shows in place of the directory that it was run in."""

IN_ORDER = {"PYTHONUNBUFFERED": "1"}
"""Lets answers and errors come in the order in which a terminal shows them."""

_BLOCK = re.compile(
    r"^(?P<indent> *)```console\n(?P<shown>.*?)^ *```$|^<!-- run first\n(?P<hidden>.*?)^-->$",
    re.M | re.S,
)
_MARK = "\x1e"
_ANY = "…"
_MASKS = (
    (re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b"), "DATE"),
    (re.compile(r"\bexp-[0-9a-f]{5}\b"), "exp-ID"),
    (re.compile(r"\b[0-9]{2}:[0-9]{2}\b"), "CLOCK"),
    (re.compile(r"\b(?:[0-9a-f]{2}/){0,2}[0-9a-f]{7,64}\b"), "ID"),
    (re.compile(r"\b[0-9][0-9.,]* ?([KMGT]i?B?|bytes|kB|MB)(?![A-Za-z])"), "SIZE"),
    (re.compile(r"\b[0-9]+(\.[0-9]+)? s\b"), "TIME"),
    (re.compile(r"\b[0-9]{4,}\b"), "NUMBER"),
    (re.compile(r"[ \t]+"), " "),
)


class Step(NamedTuple):
    """A command, and the lines shown below it; ``None`` where nothing is shown."""

    command: str
    shown: list[str] | None


class Wrong(NamedTuple):
    """A command that said something else than the page shows."""

    command: str
    shown: list[str]
    said: list[str]


def pages(root: Path) -> list[Path]:
    """All pages with sessions under `root`."""
    return [page for page in sorted(root.rglob("*.md")) if steps(page.read_text(encoding="utf-8"))]


def steps(text: str) -> list[Step]:
    """The commands of a page in their order."""
    found: list[Step] = []
    for match in _BLOCK.finditer(text):
        if match["hidden"] is not None:
            found += [Step(line, None) for line in match["hidden"].splitlines() if line.strip()]
        else:
            found += _session(match["shown"], len(match["indent"]))
    return found


def run(text: str, directory: Path, env: Mapping[str, str]) -> list[list[str]]:
    """What each command of a page says, run in `directory`; errors and answers in one."""
    commands = [step.command for step in steps(text)]
    # Each gets an empty input, and the exit code of the one before as `$?`.
    script = "code=0\n" + "".join(
        f"(exit $code)\n{{ {line}\n}} </dev/null\ncode=$?\nprintf '\\036\\n'\n" for line in commands
    )
    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=directory,
        env={**env, "PWD": str(directory), **IN_ORDER},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT,
        check=False,
    )
    output = ran.stdout.decode("utf-8", "replace").replace(os.path.realpath(directory), ELSEWHERE)
    said = output.split(f"{_MARK}\n")
    return [text.splitlines() for text in said[: len(commands)]]


def compare(text: str, said: list[list[str]]) -> Iterator[Wrong]:
    """Where a page shows something else than what was `said`, loosely."""
    for step, lines in zip(steps(text), said, strict=True):
        if step.shown is not None and not _alike(step.shown, lines):
            yield Wrong(step.command, step.shown, lines)


def rewritten(text: str, said: list[list[str]]) -> str:
    """A page with what was `said`, where it shows something else."""
    left = iter(said)

    def replaced(match: re.Match[str]) -> str:
        if match["hidden"] is not None:
            for line in match["hidden"].splitlines():
                if line.strip():
                    next(left)
            return match[0]
        indent = match["indent"]
        lines = []
        for step in _session(match["shown"], len(indent)):
            answer = next(left)
            assert step.shown is not None
            lines += [f"$ {step.command}", *(step.shown if _alike(step.shown, answer) else answer)]
        body = "".join(f"{indent}{line}".rstrip() + "\n" for line in lines)
        return f"{indent}```console\n{body}{indent}```"

    return _BLOCK.sub(replaced, text)


def _session(text: str, indent: int) -> list[Step]:
    found: list[Step] = []
    for raw in text.splitlines():
        line = raw[indent:]
        if line.startswith("$ "):
            found.append(Step(line[2:], []))
        elif found and found[-1].shown is not None:
            found[-1].shown.append(line)
    return found


def _alike(shown: list[str], said: list[str]) -> bool:
    """Whether `said` is what is `shown`, but for ids, sizes, times and what ``…`` stands for."""
    parts = [r"(?:.*\n)*" if line == _ANY else re.escape(_masked(line)) + "\n" for line in shown]
    return re.fullmatch("".join(parts), "".join(_masked(line) + "\n" for line in said)) is not None


def _masked(line: str) -> str:
    for pattern, word in _MASKS:
        line = pattern.sub(word, line)
    return line.strip()


def main(names: list[str]) -> int:
    """Run and rewrite the pages `names`."""
    from tests.support.environment import make_home, sealed

    for name in names:
        with tempfile.TemporaryDirectory(prefix="mlvers-docs-") as folder:
            home, work = Path(folder, "home"), Path(folder, "work")
            home.mkdir()
            work.mkdir()
            make_home(home)
            text = Path(name).read_text(encoding="utf-8")
            said = run(text, work, sealed(home, os.environ))
            Path(name).write_text(rewritten(text, said), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
