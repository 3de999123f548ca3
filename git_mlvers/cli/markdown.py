"""Manual pages as one page of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_mlvers.cli.manual import Block, Page

HEAD = """\
# Commands

The text of `git help mlvers` and `git mlvers help COMMAND` on one page. It is written by
`python -m git_mlvers.cli.manual docs/man docs/reference/commands.md` from the commands' own texts.
The exit codes that all commands share are in [exit-codes.md](exit-codes.md), the keys of the
configuration in [configuration.md](configuration.md).
"""

_LEFT_OUT = ("See also",)


def render(pages: Iterable[Page]) -> str:
    """All `pages` below one heading, with their list first."""
    listed = list(pages)
    names = "\n".join(f"- [{page.name}](#{page.name}): {page.summary}" for page in listed)
    return "\n".join([HEAD, names + "\n", *map(_page, listed)])


def _page(page: Page) -> str:
    parts = [f"## {page.name}", f"{page.summary}."]
    for section in page.sections:
        if section.title in _LEFT_OUT:
            continue
        # The synopsis and the description need no heading of their own.
        if section.title not in ("Synopsis", "Description"):
            parts.append(f"### {section.title} of {page.name}")
        parts.append(_blocks(section.blocks))
    return "\n\n".join(parts) + "\n"


def _blocks(blocks: list[Block]) -> str:
    text = ""
    before = ""
    for block in blocks:
        tight = block.kind == before and block.kind in ("item", "option")
        text += ("\n" if tight else "\n\n") + _block(block)
        before = block.kind
    return text.lstrip("\n")


def _block(block: Block) -> str:
    if block.kind == "code":
        return f"```text\n{block.text}\n```"
    if block.kind == "item":
        return f"- {block.text}"
    if block.kind == "option":
        return f"- `{block.text}`: {block.body}"
    return block.text
