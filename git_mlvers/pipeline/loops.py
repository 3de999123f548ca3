"""``foreach`` and ``matrix``: one definition, many stages."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from git_mlvers.pipeline.template import TemplateError, as_text, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git_mlvers.pipeline.place import Place

FOREACH, DO, MATRIX = "foreach", "do", "matrix"
ITEM, KEY = "item", "key"


class Turn(NamedTuple):
    """One turn of a loop: what stands behind ``@`` in the stage's name, and what it sets."""

    suffix: str
    sets: dict[str, Any]


def is_loop(definition: Mapping[str, object]) -> bool:
    """Whether a stage is written as a loop."""
    return FOREACH in definition or DO in definition or MATRIX in definition


def turns(definition: Mapping[str, object], place: Place, scope: Mapping[str, Any]) -> list[Turn]:
    """The turns of the loop at `place`, in order; raises `PipelineError`."""
    kind = MATRIX if MATRIX in definition else FOREACH
    here = place.at(kind)
    try:
        over = resolve(definition[kind], scope, free=True)
    except TemplateError as error:
        raise here.error(error.message, error.hint) from None
    made = _matrix(over, here) if kind == MATRIX else _foreach(over, here)
    # Of equal names the last one counts, as in a mapping.
    return list({turn.suffix: turn for turn in made}.values())


def _foreach(over: object, place: Place) -> Iterator[Turn]:
    if isinstance(over, dict):
        for key, value in over.items():
            yield Turn(as_text(key), {ITEM: value, KEY: key})
    elif isinstance(over, list):
        by_position = any(isinstance(value, (list, dict)) for value in over)
        for at, value in enumerate(over):
            yield Turn(str(at) if by_position else as_text(value), {ITEM: value})
    else:
        place.wrong("a list or a mapping", over)


def _matrix(over: object, place: Place) -> Iterator[Turn]:
    axes = place.mapping(over)
    for name, values in axes.items():
        if not isinstance(values, list):
            place.at(name).wrong("a list", values)
    for chosen in itertools.product(*(enumerate(values) for values in axes.values())):
        parts = [
            f"{name}{at}" if isinstance(value, (list, dict)) else as_text(value)
            for name, (at, value) in zip(axes, chosen, strict=True)
        ]
        suffix = "-".join(parts)
        sets = {name: value for name, (_, value) in zip(axes, chosen, strict=True)}
        yield Turn(suffix, {ITEM: sets, KEY: suffix})
