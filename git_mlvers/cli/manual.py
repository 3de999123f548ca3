"""The manual: one text per command, shown by ``help`` and written as man pages.

A text is light Markdown: the description, ``## Section``, paragraphs, blocks of code indented by
four spaces, and items that begin with ``- ``; inside of a line, ``code`` between
backticks, ``**bold**`` and ``*emphasis*``. Synopsis and options come from the parser.

``python -m git_mlvers.cli.manual docs/man`` writes the man pages; with the name of a
file after it, the same texts also go there as one page of Markdown.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.cli import markdown, roff
from git_mlvers.cli import overview as texts
from git_mlvers.cli.command import make_parser
from git_mlvers.cli.main import COMMANDS, Command

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 80
"""Columns of a manual as text."""


class Block(NamedTuple):
    """A piece of a section: ``text``, ``code``, ``item``, or ``option`` with its `body`."""

    kind: str
    text: str
    body: str = ""


class Section(NamedTuple):
    """A heading and what is below it."""

    title: str
    blocks: list[Block]


class Page(NamedTuple):
    """One manual."""

    name: str
    summary: str
    sections: list[Section]


def command_page(command: Command) -> Page:
    """The manual of `command`."""
    module = command.load()
    parser = make_parser(command, module)
    sections = parse(module.HELP)
    titles = [section.title for section in sections]
    options = list(_options(parser))
    if options:
        sections.insert(titles.index("Description") + 1, Section("Options", options))
    if "Synopsis" not in titles:
        sections.insert(0, Section("Synopsis", [Block("code", _usage(parser))]))
    if "Exit codes" not in titles:
        general = "`0` when done; the other codes are listed in git-mlvers(1)."
        sections.append(Section("Exit codes", [Block("text", general)]))
    sections.append(Section("See also", [Block("text", "git-mlvers(1)")]))
    return Page(f"git-mlvers-{command.name}", module.SUMMARY, sections)


def overview() -> Page:
    """The manual of the program as a whole."""
    sections = parse(texts.HELP)
    after = [section.title for section in sections].index("Description") + 1
    sections.insert(after, Section("Commands", list(_groups())))
    sections.append(Section("Exit codes", parse_blocks(texts.EXIT_CODES.splitlines())))
    return Page(texts.NAME, texts.SUMMARY, sections)


def helper_page() -> Page:
    """The manual of the remote helper."""
    return Page(texts.HELPER_NAME, texts.HELPER_SUMMARY, parse(texts.HELPER_HELP))


def pages() -> Iterator[Page]:
    """Every manual there is."""
    yield overview()
    yield helper_page()
    for command in COMMANDS.values():
        yield command_page(command)


def parse(text: str) -> list[Section]:
    """The sections of light Markdown; what comes before a heading is the description."""
    sections: list[Section] = []
    lines: list[str] = []
    title = "Description"
    for line in [*text.strip().splitlines(), "## "]:
        if line.startswith("## "):
            if lines:
                sections.append(Section(title, parse_blocks(lines)))
            title, lines = line[3:].strip(), []
        else:
            lines.append(line)
    return sections


def parse_blocks(lines: list[str]) -> list[Block]:
    """The blocks between two headings."""
    blocks: list[Block] = []
    kind, held = "", list[str]()
    for line in [*lines, ""]:
        if line.startswith("    "):
            now, content = "code", line[4:]
        elif line.startswith("- "):
            now, content = "item", line[2:]
        elif not line.strip():
            now, content = ("code", "") if kind == "code" else ("", "")
        else:
            now, content = ("item" if kind == "item" else "text"), line.strip()
        if now != kind or line.startswith("- "):
            _close(blocks, kind, held)
            kind, held = now, []
        held.append(content)
    _close(blocks, kind, held)
    return blocks


def as_text(page: Page) -> str:
    """`page` as plain text of `WIDTH` columns."""
    parts = [f"NAME\n    {page.name} - {page.summary}"]
    for section in page.sections:
        body = [_block_text(block) for block in section.blocks]
        glue = [
            "\n" if block.kind == "item" and before == "item" else "\n\n"
            for before, block in zip(
                [""] + [block.kind for block in section.blocks], section.blocks, strict=False
            )
        ]
        text = "".join(g + b for g, b in zip(glue, body, strict=True)).lstrip("\n")
        parts.append(f"{section.title.upper()}\n{text}")
    return "\n\n".join(parts)


def write_all(directory: str) -> list[str]:
    """Write every page as ``<name>.1`` into `directory`; returns the file names."""
    written = []
    for page in pages():
        name = f"{page.name}.1"
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(roff.render(page))
        written.append(name)
    return written


def write_reference(path: str) -> None:
    """Write every page into the one Markdown file `path`."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(markdown.render(pages()))


def _close(blocks: list[Block], kind: str, held: list[str]) -> None:
    if kind == "code":
        blocks.append(Block("code", "\n".join(held).strip("\n")))
    elif kind:
        blocks.append(Block(kind, " ".join(held)))


def _groups() -> Iterator[Block]:
    for group in dict.fromkeys(command.group for command in COMMANDS.values()):
        yield Block("text", f"**{group}**")
        names = [command for command in COMMANDS.values() if command.group == group]
        width = max(len(command.name) for command in names)
        lines = (f"{command.name.ljust(width)}  {command.summary}" for command in names)
        yield Block("code", "\n".join(lines))


def _usage(parser: argparse.ArgumentParser) -> str:
    """One line if it is short, else several; argparse itself breaks by the terminal's width."""
    words = " ".join(parser.format_usage().removeprefix("usage: ").split())
    return _tied(words, hang=len(parser.prog) + 1, width=WIDTH - 8)


def _tied(usage: str, *, indent: int = 0, hang: int, width: int = WIDTH) -> str:
    """`usage` on one line or several, with each option together with its value."""
    tied = usage.replace("] [", "]\0[").replace(" ", "\1").replace("\0", " ")
    lines = textwrap.wrap(
        tied,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * hang,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return "\n".join(lines).replace("\1", " ")


def _options(parser: argparse.ArgumentParser) -> Iterator[Block]:
    """What `parser` understands, as blocks; each sub-command with its own."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action._choices_actions:
                sub = action.choices[child.dest]
                usage = sub.format_usage().removeprefix("usage: ").split()
                yield Block("option", " ".join(usage[3:]), child.help or "")
                yield from _options(sub)
        elif action.help is not argparse.SUPPRESS:
            yield Block("option", _term(action), (action.help or "") % vars(action))


def _term(action: argparse.Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if not action.option_strings:
        return f"{value}…" if action.nargs in ("*", "+") else value
    if action.nargs == 0:
        return ", ".join(action.option_strings)
    return ", ".join(f"{name} {value}" for name in action.option_strings)


def _block_text(block: Block) -> str:
    if block.kind == "code":
        return textwrap.indent(block.text, " " * 8)
    if block.kind == "option":
        body = textwrap.fill(block.body, WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 8)
        return f"{_tied(block.text, indent=4, hang=8)}\n{body}"
    first, rest = ("    - ", " " * 6) if block.kind == "item" else (" " * 4, " " * 4)
    plain = block.text.replace("**", "")
    return textwrap.fill(
        plain,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


if __name__ == "__main__":
    print(f"{len(write_all(sys.argv[1]))} pages written")
    for name in sys.argv[2:]:
        write_reference(name)
