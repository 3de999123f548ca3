"""Manual pages in the language of ``man``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_mlvers import __version__

if TYPE_CHECKING:
    from git_mlvers.cli.manual import Block, Page

_MARKUP = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*")


def render(page: Page) -> str:
    """`page` as the source of a manual page of section 1."""
    lines = [
        '.\\" Written by "python -m git_mlvers.cli.manual docs/man" from the command\'s own text.',
        f'.TH "{page.name.upper()}" "1" "" "git-mlvers {__version__}" "git-mlvers"',
        ".nh",
        ".ad l",
        ".SH NAME",
        f"{_escape(page.name)} \\- {_escape(page.summary)}",
    ]
    for section in page.sections:
        lines.append(f".SH {section.title.upper()}")
        for block in section.blocks:
            lines.extend(_block(block))
    return "\n".join(lines) + "\n"


def _block(block: Block) -> list[str]:
    if block.kind == "code":
        body = [_line(line) for line in block.text.split("\n")]
        return [".PP", ".RS 4", ".nf", *body, ".fi", ".RE"]
    if block.kind == "item":
        return [".IP \\(bu 2", _inline(block.text)]
    if block.kind == "option":
        return [".TP", f"\\fB{_escape(block.text)}\\fR", _inline(block.body)]
    return [".PP", _inline(block.text)]


def _inline(text: str) -> str:
    parts = []
    end = 0
    for match in _MARKUP.finditer(text):
        parts.append(_escape(text[end : match.start()]))
        font = "I" if match[3] else "B"
        parts.append(f"\\f{font}{_escape(match[1] or match[2] or match[3])}\\fR")
        end = match.end()
    parts.append(_escape(text[end:]))
    return _guard("".join(parts))


def _line(text: str) -> str:
    return _guard(_escape(text))


def _guard(line: str) -> str:
    """`line` so that its first character is no command to ``man``."""
    return "\\&" + line if line.startswith((".", "'")) else line


def _escape(text: str) -> str:
    return (
        text.replace("\\", "\\e")
        .replace("-", "\\-")
        .replace("'", "\\(aq")
        .replace("…", "...")
        .replace("^", "\\(ha")
        .replace("~", "\\(ti")
        .replace("`", "\\(ga")
    )
