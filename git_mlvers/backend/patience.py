"""How long a store may keep us waiting."""

from __future__ import annotations

from typing import NamedTuple


class Patience(NamedTuple):
    """Times in seconds.

    `connect`: until a connection stands. `silence`: without a single byte
    moving either way. `unknown`: spent on trying again while the store has
    never answered at all, so that a mistyped address does not take long to be
    told. `total`: the same once it has. An attempt counts for at most
    `silence`, so that a slow upload that moves is never given up for its
    length.
    """

    connect: float = 10.0
    silence: float = 30.0
    unknown: float = 12.0
    total: float = 60.0


NORMAL = Patience()
