"""How the program shows things: tables, sizes, paths, bars and events."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from git_mlvers import bars
from git_mlvers.cli import render
from git_mlvers.cli.context import Context
from git_mlvers.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path

    from git_mlvers.progress import Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (20 << 30, "20 GiB"),
        ((1 << 20) - 1, "1.0 MiB"),
        (5 << 60, "5120 PiB"),
    ],
)
def test_size(count: int, text: str) -> None:
    assert render.size(count) == text


def test_count() -> None:
    assert render.count(1, "file") == "1 file"
    assert render.count(0, "file") == "0 files"
    assert render.count(2, "entry", "entries") == "2 entries"


def test_table() -> None:
    assert render.table([("a", "1"), ("long", "22")], right=(1,)) == "a      1\nlong  22"
    assert render.table([("a", "")], indent="  ") == "  a"
    assert render.table([]) == ""


def test_paths_do_not_steer_the_terminal() -> None:
    assert render.path("größe – 2.bin") == "größe – 2.bin"
    assert render.path("a\x1b[31m\n") == r'"a\x1b[31m\n"'
    assert render.path("\udcff") == "\udcff"


def choose(stream: io.StringIO, *, quiet: bool = False, json: bool = False) -> Progress:
    return bars.choose(stream, quiet=quiet, json=json)


def work(shown: Progress) -> None:
    shown.start("Uploading", 2, 100)
    shown.advance(1, 50)
    shown.advance(1, 50)
    shown.finish()
    shown.finish()


def test_nothing_in_a_pipe_or_when_quiet() -> None:
    pipe = io.StringIO()
    assert isinstance(choose(pipe), Silent)
    assert isinstance(choose(Terminal(), quiet=True), Silent)


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "SHOW_AFTER", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    work(choose(stream))
    assert "Uploading" in stream.getvalue()
    assert "2/2" in stream.getvalue()


def test_short_work_shows_no_bar() -> None:
    stream = Terminal()
    work(choose(stream))
    assert stream.getvalue() == ""


def test_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "EVENT_EVERY", 0.0)
    stream = io.StringIO()
    work(choose(stream, json=True, quiet=True))
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["start", "progress", "progress", "finish"]
    assert events[-1] == {
        "event": "finish",
        "verb": "Uploading",
        "files": 2,
        "bytes": 100,
        "files_done": 2,
        "bytes_done": 100,
    }


def test_remarks_come_after_the_answers_before_them(tmp_path: Path) -> None:
    """Also where both streams go to one pipe or file, in which answers are buffered."""
    path = tmp_path / "said"
    with path.open("a") as out, path.open("a") as err:
        context = Context({}, str(tmp_path), out, err)
        for tell in (context.note, context.warn):
            context.out("an answer")
            tell("a remark")
    assert path.read_text().splitlines() == [
        *("an answer", "a remark"),
        *("an answer", "warning: a remark"),
    ]
