"""What a stage is made of, and the two names that make a fact of it.

``K`` is the hash of what goes in: commands, folder, the names of the
dependencies' content, the values of params, and where outputs go. ``O`` is the
hash of what came out. "Stage S made O of K" is a fact, and stays true for ever.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.pipeline.model import Stage

DIGITS = 32
"""Hex digits of a `K` or `O`: 128 bits."""

Values = dict[str, dict[str, object]]
"""Values of params by file and key; the key ``""`` has the whole of a file."""


class Recipe(NamedTuple):
    """What goes into one stage; ``None`` for a dependency that is not there.

    `start` has the names of outputs that stay in place from run to run, as they were before.
    """

    cmds: tuple[str, ...]
    wdir: str
    deps: Mapping[str, str | None]
    params: Mapping[str, Mapping[str, object]]
    outs: tuple[str, ...]
    start: Mapping[str, str | None] = {}

    @property
    def key(self) -> str:
        """`K` without what was there at the start: by it a stage is up to date."""
        return digest(self._replace(start={}).as_json())

    @property
    def restore_key(self) -> str:
        """`K` with what was there at the start: by it outputs of an earlier run can be had."""
        return digest(self.as_json())

    def as_json(self) -> dict[str, object]:
        """The form that is hashed, and kept to explain later what has changed."""
        shown: dict[str, object] = {
            "cmds": list(self.cmds),
            "wdir": self.wdir,
            "deps": dict(self.deps),
            "params": {file: dict(values) for file, values in self.params.items()},
            "outs": list(self.outs),
        }
        if self.start:
            shown["start"] = dict(self.start)
        return shown

    @classmethod
    def from_json(cls, found: Mapping[str, object]) -> Recipe | None:
        """Read what `as_json` gave; ``None`` if it is something else."""
        match found:
            case {
                "cmds": list(cmds),
                "wdir": str(wdir),
                "deps": dict(deps),
                "params": dict(params),
                "outs": list(outs),
            }:
                return cls(tuple(map(str, cmds)), wdir, deps, params, tuple(map(str, outs)))
        return None


def recipe_of(
    stage: Stage,
    names: Mapping[str, str | None],
    values: Mapping[str, Mapping[str, object]],
) -> Recipe:
    """The recipe of `stage`, with the `names` of what stands at its paths."""
    persistent = sorted(out.path for out in stage.outs if out.persist)
    return Recipe(
        stage.cmds,
        stage.wdir,
        {path: names.get(path) for path in sorted(stage.deps)},
        values,
        tuple(sorted(out.path for out in stage.outs)),
        {path: names.get(path) for path in persistent},
    )


def result_key(outs: Mapping[str, str | None]) -> str:
    """`O` of the `outs`, the names of what stands at their paths."""
    return digest(dict(outs))


def digest(value: object) -> str:
    """The hash of `value`, whatever order its keys came in."""
    return blake3(canonical(value)).hexdigest()[:DIGITS]


def canonical(value: object) -> bytes:
    """`value` as JSON in one spelling."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str
    ).encode("ascii")
