"""The pages of the documentation: what they show is what happens, and what they name is there."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.support import console
from tests.support.environment import CHECKOUT
from tests.support.s3server import s3

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.s3server import S3Server

__all__ = ["s3"]

DOCS = CHECKOUT / "docs"
PAGES = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
WITH_S3 = ("s3.md", "without-a-git-server.md")
BUCKET = "our-bucket"
"""What a page calls the bucket that the test makes."""

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`|^ {4}.*?$", re.M | re.S)
_NOT_IN_AN_ANCHOR = re.compile(r"[^\w\- ]")


def named(path: Path) -> str:
    """How a page is called in the list of tests."""
    return path.relative_to(CHECKOUT).as_posix()


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def check(text: str, directory: Path) -> None:
    said = console.run(text, directory, os.environ)
    wrong = [
        f"$ {step.command}\nthe page shows:\n{chr(10).join(step.shown)}\n"
        f"it says:\n{chr(10).join(step.said)}\n"
        for step in console.compare(text, said)
    ]
    assert not wrong, "\n".join([*wrong, "run: python -m tests.support.console PAGE"])


@pytest.mark.parametrize(
    "page", [page for page in console.pages(DOCS) if page.name not in WITH_S3], ids=named
)
def test_a_page_shows_what_happens(page: Path, tmp_path: Path) -> None:
    check(text_of(page), tmp_path)


@pytest.mark.s3
@pytest.mark.parametrize("name", WITH_S3)
def test_a_page_on_s3_shows_what_happens(
    name: str, tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in s3.environment().items():
        monkeypatch.setenv(variable, value)
    check(text_of(DOCS / "how-to" / name).replace(BUCKET, s3.new_bucket()), tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(_CODE.sub("", text_of(page))):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{named(page)} links to {target}, which is not there"
        if anchor:
            assert anchor in anchors(text_of(file)), f"{named(page)}: no heading for {target}"


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as they are made where Markdown is shown."""
    titles = [line.lstrip("#").strip().lower() for line in text.splitlines() if line[:1] == "#"]
    return {_NOT_IN_AN_ANCHOR.sub("", title).replace(" ", "-") for title in titles}


def test_every_page_is_linked() -> None:
    """From the README one gets to every page."""
    seen, todo = set(), [CHECKOUT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen:
            continue
        seen.add(page)
        for target in _LINK.findall(text_of(page)):
            file = (page.parent / target.partition("#")[0]).resolve()
            if file.suffix == ".md" and file.is_file():
                todo.append(file)
    assert set(PAGES) <= seen
