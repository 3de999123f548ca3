"""Why stages would run, in words and as JSON: for ``status`` and ``commit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.pipeline.explain import Reason
    from git_mlvers.pipeline.standing import Standing

_LONGEST = 60


def sentence(reason: Reason) -> str:
    """A reason in a few words: ``params.yaml train.C: 1 -> 10``."""
    if reason.what == "param":
        name = f"{reason.file} {reason.name}" if reason.name else reason.file
        if reason.change == "new":
            return f"{name}: new, {_value(reason.new)}"
        if reason.change == "removed":
            return f"{name}: {_value(reason.old)} -> not there"
        return f"{name}: {_value(reason.old)} -> {_value(reason.new)}"
    if reason.what == "dep":
        return f"dependency {reason.change}: {reason.name}"
    if reason.what == "out":
        change = "edited" if reason.change == "modified" else reason.change
        return f"output {change}: {reason.name}" if reason.name else f"outputs {change}"
    if reason.what == "command":
        return "command changed"
    if reason.what == "wdir":
        return f"wdir: {reason.old} -> {reason.new}"
    return reason.change


def stale_lines(standings: Sequence[Standing]) -> list[str]:
    """The stages that would run, a line for each reason."""
    return [
        f"{standing.stage.address}: {sentence(reason)}"
        for standing in standings
        for reason in standing.reasons
    ]


def as_json(standings: Sequence[Standing]) -> list[dict[str, object]]:
    """All stages with their reasons; none means up to date."""
    return [
        {
            "stage": standing.stage.address,
            "file": standing.stage.file,
            "frozen": standing.stage.frozen,
            "up_to_date": not standing.reasons,
            "reasons": [reason.as_json() for reason in standing.reasons],
        }
        for standing in standings
    ]


def _value(value: object) -> str:
    import json

    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
