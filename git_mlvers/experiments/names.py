"""Names of experiments: two words that can be told on the phone, or what the user says."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

_FIRST = """
    able aged airy apt arid avid bald bare beige big blue blunt bold brave brief bright brisk
    broad calm chief civil clean clear close cold cool coral crisp cubic curly damp dark deep
    dense dim dry dual dusty eager early easy even exact extra faint fair fast few fine firm
    flat fleet fluid fond free fresh full gaunt giant glad gold good grand gray green hale handy
    happy hardy hazel heavy high ideal inner ivory jolly keen kind large late lean light lilac
    lime live lofty long loud loyal lucid lucky lunar magic main mild mint misty neat new nice
    noble north novel oak odd olive open oval pale plain polar prime proud pure quick quiet rapid
    rare ready red rich ripe rosy rough round royal ruby rural sage salty sandy sharp short shy
    silk sleek slim slow small smart snug soft solar solid sound spare stark steep still stout
    sunny super sweet swift tall tame teal tidy tiny topaz true urban vast vivid warm west white
    whole wide wild wise witty woody young zesty
"""
_SECOND = """
    acorn adobe agate alder amber anvil apple arch aspen aster atlas attic bacon badge bagel
    basil basin bay beach beam bean bear beech bell bench birch bird bloom board boat bolt bone
    book boot bough bow bowl braid branch bread brick bridge brook broom brush bud cabin cable
    cake canal canoe cape card carol cart castle cedar cello chair chalk cherry chime clam clay
    cliff cloud clover coal coast cobra comet coral cork corn cove crab crane creek crow crown
    daisy dawn deer delta dock dove drum dune eagle earth echo elm ember fable falcon fern field
    finch fjord flag flame flint flute foal fog ford forest forge fox frog frost garden gate gem
    glade glass glen globe goat goose grain grape grass grove gull harbor hare harp hawk hazel
    heath hedge heron hill holly honey horn ibis iris island ivy jade jay jewel kayak kelp kite
    koala lake lamp lark larch laurel lava leaf lemon lily linen lion loch lotus lynx maple marsh
    meadow melon mesa mill mint moon moose moss moth nest oak oasis ocean olive onyx opal orbit
    orchid otter owl palm panda pearl pebble pine planet plum pond poplar poppy prism quail quartz
    rain raven reed reef ridge river robin rock root rose sail salt sand seal shell shore sky
    sloth snow spark spruce star stone storm stork stream sun surf swan table thorn tide tiger
    topaz torch tower trail tree trout tulip vale valley violet wave whale wheat willow wind wolf
    wood wren yarn yew zebra
"""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*")
_HEX_FORM = re.compile(r"exp-[0-9a-f]{4,64}")
_TRIES = 50


def fresh(taken: Collection[str]) -> str:
    """A name that is not among `taken`."""
    first, second = _FIRST.split(), _SECOND.split()
    for _ in range(_TRIES):
        name = f"{random.choice(first)}-{random.choice(second)}"
        if name not in taken:
            return name
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


def checked(name: str) -> str:
    """`name`, if an experiment can be called that; raises `UsageError`."""
    good = _NAME.fullmatch(name) and ".." not in name and "@{" not in name
    if not good or name.endswith((".", ".lock")):
        raise UsageError(
            f"an experiment cannot be called {name!r}", "take letters, digits and - _ . + @"
        )
    if _HEX_FORM.fullmatch(name):
        raise UsageError(
            f"an experiment cannot be called {name!r}: that form stands for its commit",
            "take another name",
        )
    return name
