"""The manifest: what is written is read, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from git_mlvers.errors import CorruptError
from git_mlvers.serverless.manifest import (
    RECENT,
    Manifest,
    NewerManifest,
    Pack,
    Retired,
    digest,
    parse,
)

OID = "1" * 40
PACK = Pack("a" * 64, 1234, (OID,), True, 3)
WHOLE = Manifest(
    object_format="sha1",
    generation=3,
    by="b" * 32,
    parent="c" * 64,
    head="refs/heads/main",
    refs={"refs/heads/main": OID, "refs/tags/\udcff": "2" * 40},
    peeled={"refs/tags/\udcff": OID},
    packs=(PACK, Pack("d" * 64, 0, (), False, 3, True)),
    retired=(Retired("e" * 64, 1_700_000_000),),
    recent=("b" * 32,),
)


def changed(**values: Any) -> bytes:
    """`WHOLE` with other values."""
    return json.dumps(json.loads(WHOLE.encode()) | values).encode()


def test_round_trip() -> None:
    assert parse(WHOLE.encode(), "here") == WHOLE
    assert parse(Manifest("sha256").encode(), "here") == Manifest("sha256")


def pack(**values: Any) -> dict[str, Any]:
    """A list of packs whose only one has other values."""
    return {"packs": [PACK._asdict() | values]}


@pytest.mark.parametrize(
    "values",
    [
        {"version": 0},
        {"version": True},
        {"generation": -1},
        {"generation": "3"},
        {"generation": True},
        {"by": "x" * 32},
        {"by": None},
        {"parent": "c" * 63},
        {"head": "main"},
        {"head": ["refs/heads/main"]},
        {"head": "refs/heads/main\n"},
        {"object_format": "sha512"},
        {"object_format": "sha256"},
        {"refs": []},
        {"refs": {"refs/heads/main": OID + "\n"}},
        {"refs": {"refs/heads/main\nok x": OID}},
        {"refs": {"refs/heads/main": None}},
        {"refs": {"refs/heads/a": OID, "refs/heads/a/b": OID}, "peeled": {}},
        {"refs": {"refs/heads/\ud800": OID}, "peeled": {}},
        {"peeled": {"refs/tags/other": OID}},
        {"packs": None},
        {"packs": [PACK._asdict(), PACK._asdict()]},
        pack(id="../" + "a" * 61),
        pack(size=1 << 42),
        pack(size=1.5),
        pack(tips=OID),
        pack(tips=["x"]),
        pack(thin=1),
        {"retired": [{"id": "e" * 64}]},
        {"recent": ["b"]},
    ],
    ids=str,
)
def test_what_is_not_right_is_damage(values: dict[str, Any]) -> None:
    with pytest.raises(CorruptError, match="the manifest of the repository at here is damaged"):
        parse(changed(**values), "here")


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 100_000, b"{" * 9])
def test_what_is_no_manifest_is_damage(data: bytes) -> None:
    with pytest.raises(CorruptError):
        parse(data, "here")


@pytest.mark.parametrize("field", WHOLE._fields)
def test_every_field_is_needed(field: str) -> None:
    value = json.loads(WHOLE.encode())
    del value[field]
    with pytest.raises(CorruptError, match="something is missing"):
        parse(json.dumps(value).encode(), "here")


def test_of_a_newer_version() -> None:
    with pytest.raises(NewerManifest):
        parse(changed(version=2, packs="in another way"), "here")


def test_the_words_of_an_enemy_are_not_repeated() -> None:
    with pytest.raises(CorruptError) as caught:
        parse(changed(refs={"refs/heads/\x1b[31m": OID}), "here")
    assert "\x1b" not in str(caught.value)


def test_what_follows() -> None:
    manifest = WHOLE
    for number in range(RECENT + 5):
        data = manifest.encode()
        mark = f"{number:032x}"
        manifest = manifest.after(mark, data)
        assert manifest.parent == digest(data)
        assert manifest.by == manifest.recent[-1] == mark
    assert manifest.generation == WHOLE.generation + RECENT + 5
    assert len(manifest.recent) == RECENT
    assert Manifest("sha1").after("b" * 32, None).parent is None
