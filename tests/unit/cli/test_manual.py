"""The manual: one text per command, as text and as man pages that are never stale."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from git_mlvers.cli import manual, roff
from git_mlvers.cli.main import COMMANDS
from tests.support.environment import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import Repo

MAN = CHECKOUT / "docs/man"

TEXT = """
## Description

One `code` and *emphasis*
in a paragraph.

    $ code -x 'y'
      more

    after a blank line

- **first**: item
that goes on
- second
.dot at the start
"""


def test_light_markdown() -> None:
    [section] = manual.parse(TEXT)
    assert section.title == "Description"
    assert [(block.kind, block.text) for block in section.blocks] == [
        ("text", "One `code` and *emphasis* in a paragraph."),
        ("code", "$ code -x 'y'\n  more\n\nafter a blank line"),
        ("item", "**first**: item that goes on"),
        ("item", "second .dot at the start"),
    ]


def test_text_before_a_heading_is_the_description() -> None:
    sections = manual.parse("What it does.\n\n## Examples\n\n    x\n")
    assert [section.title for section in sections] == ["Description", "Examples"]


def test_as_text() -> None:
    page = manual.Page("git-mlvers-x", "Do x", manual.parse(TEXT))
    assert manual.as_text(page) == (
        "NAME\n"
        "    git-mlvers-x - Do x\n\n"
        "DESCRIPTION\n"
        "    One `code` and *emphasis* in a paragraph.\n\n"
        "        $ code -x 'y'\n"
        "          more\n\n"
        "        after a blank line\n\n"
        "    - first: item that goes on\n"
        "    - second .dot at the start"
    )


def test_as_man_page() -> None:
    page = manual.Page("git-mlvers-x", "Do x", manual.parse("Text\n\n    .so evil\n    a\\b -c\n"))
    source = roff.render(page)
    assert "\n\\&.so evil\n" in source
    assert "\na\\eb \\-c\n" in source


@pytest.mark.parametrize("name", COMMANDS)
def test_every_manual_has_its_parts(name: str) -> None:
    page = manual.command_page(COMMANDS[name])
    titles = [section.title for section in page.sections]
    assert titles[:2] == ["Synopsis", "Description"]
    assert "Exit codes" in titles
    assert f"git mlvers {name}" in page.sections[0].blocks[0].text
    assert all(len(line) <= manual.WIDTH + 20 for line in manual.as_text(page).splitlines())


def test_sub_commands_are_explained() -> None:
    text = manual.as_text(manual.command_page(COMMANDS["remote"]))
    assert "    add [-d] [--local] [-q] NAME URL\n        add a remote" in text


def test_man_pages_are_not_stale(tmp_path: Path) -> None:
    names = manual.write_all(str(tmp_path))
    stale = [
        name
        for name in names
        if not (MAN / name).is_file() or (MAN / name).read_bytes() != (tmp_path / name).read_bytes()
    ]
    assert stale == [], "run: python -m git_mlvers.cli.manual docs/man"
    assert sorted(names) == sorted(path.name for path in MAN.iterdir())


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff")
def test_man_pages_are_sound() -> None:
    for path in MAN.iterdir():
        ran = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", str(path)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert ran.stderr == "", path.name


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("mlvers", "git-mlvers"),
        ("git-mlvers", "git-mlvers"),
        ("git-remote-mlvers", "git-remote-mlvers"),
        ("git-mlvers-track", "git-mlvers-track"),
        ("mlvers-track", "git-mlvers-track"),
        ("track", "git-mlvers-track"),
    ],
)
def test_help_takes_the_name_of_a_page(repo: Repo, name: str, page: str) -> None:
    assert repo.mlvers("help", name).startswith(f"NAME\n    {page} - ")
