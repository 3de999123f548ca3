"""``mlvers.lock``: lines that are true whatever happens to the file."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from git_mlvers.pipeline.lock import Facts, parse, render

names = st.text(min_size=1, max_size=12).filter(
    lambda name: name == name.strip() and len(name.splitlines()) == 1 and name.isprintable()
)
keys = st.text(alphabet="0123456789abcdef", min_size=32, max_size=32)
facts = st.dictionaries(
    names, st.lists(st.tuples(keys, keys), min_size=1, max_size=3, unique=True), max_size=5
)


def ordered(found: Facts) -> dict[str, list[tuple[str, str]]]:
    return {name: sorted(known) for name, known in found.items()}


@given(facts)
def test_what_is_written_is_read(written: Facts) -> None:
    assert ordered(parse(render(written))) == ordered(written)


@given(facts, facts)
def test_all_lines_of_both_are_the_facts_of_both(ours: Facts, theirs: Facts) -> None:
    merged = parse(b"<<<<<<< ours\n" + render(ours) + b"=======\n" + render(theirs) + b">>>>>>>\n")
    for side in (ours, theirs):
        for name, known in side.items():
            assert set(known) <= set(merged[name])


@given(facts, st.integers())
def test_the_order_of_lines_does_not_matter(written: Facts, seed: int) -> None:
    lines = render(written).splitlines(keepends=True)
    random.Random(seed).shuffle(lines)
    assert ordered(parse(b"".join(lines))) == ordered(written)


@given(st.binary(max_size=200))
def test_anything_can_be_read(data: bytes) -> None:
    parse(data)


def test_what_is_no_fact_is_passed_over() -> None:
    key = "a" * 32
    text = f"# a remark\n\ntrain {key} {key}\ntrain {key}\ntrain {key} {key[:-1]}\n{key} {key}\n"
    assert parse(text.encode()) == {"train": [(key, key)]}
