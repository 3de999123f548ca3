"""YAML that was read before is the same when it is read again, and never trusted when damaged."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from git_mlvers.values import yaml12, yaml_memo
from git_mlvers.values.errors import ValuesError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = b"a: [1, 2.5, .inf, yes, null]\nb: &x {c: 'text', d: -0.0}\ne: *x\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where it is kept."""
    yaml_memo.keep_in(str(tmp_path / "kept"))
    yield tmp_path / "kept"
    yaml_memo.keep_in(str(tmp_path / "elsewhere"))


def no_parser(*_: object) -> Any:
    """Stands for the parser where it must not be needed."""
    raise AssertionError("it was parsed again")


def test_is_not_parsed_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = yaml_memo.load(TEXT, "p.yaml"), yaml_memo.load_marked(TEXT, "p.yaml")
    monkeypatch.setattr(yaml12, "load", no_parser)
    monkeypatch.setattr(yaml12, "load_marked", no_parser)
    assert (yaml_memo.load(TEXT, "p.yaml"), yaml_memo.load_marked(TEXT, "p.yaml")) == first
    assert len(list(folder.iterdir())) == 2


def test_another_text_is_another_value(folder: Path) -> None:
    assert yaml_memo.load(b"a: 1", "p.yaml") == {"a": 1}
    assert yaml_memo.load(b"a: 2", "p.yaml") == {"a": 2}


def test_types_and_lines_are_the_same(folder: Path) -> None:
    for _ in range(2):
        value, lines = yaml_memo.load_marked(TEXT, "p.yaml")
        assert (value, lines) == tuple(yaml12.load_marked(TEXT, "p.yaml"))
        assert isinstance(value, dict)
        assert [type(item) for item in value["a"]] == [int, float, float, str, type(None)]
        assert math.copysign(1, value["b"]["d"]) == -1


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "folder"])
def test_damage_is_noticed(folder: Path, damage: str) -> None:
    yaml_memo.load(TEXT, "p.yaml")
    (kept,) = folder.iterdir()
    data = bytearray(kept.read_bytes())
    kept.unlink()
    if damage == "cut":
        kept.write_bytes(data[:-1])
    elif damage == "flip":
        data[-3] ^= 1
        kept.write_bytes(data)
    elif damage == "empty":
        kept.write_bytes(b"")
    else:
        kept.mkdir()
    assert yaml_memo.load(TEXT, "p.yaml") == yaml12.load(TEXT, "p.yaml")


def test_errors_are_not_kept(folder: Path) -> None:
    for _ in range(2):
        with pytest.raises(ValuesError, match=r"p\.yaml, line \d"):
            yaml_memo.load(b"a: [", "p.yaml")
    assert not folder.exists()


def test_does_not_grow_without_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_memo, "_MOST", 10)
    for number in range(50):
        yaml_memo.load(b"a: %d" % number, "p.yaml")
    assert 5 <= len(list(folder.iterdir())) <= 10


def test_works_where_nothing_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    yaml_memo.keep_in(str(tmp_path / "file"))
    assert yaml_memo.load(b"a: 1", "p.yaml") == {"a": 1}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("ab:[]{},- \n&*x1.e'"), max_size=30))
def test_is_what_the_parser_says(folder: Path, text: str) -> None:
    data = text.encode()

    def read(reader: Any) -> object:
        try:
            return repr(reader.load(data, "p.yaml"))
        except ValuesError as error:
            return str(error)

    assert read(yaml_memo) == read(yaml_memo) == read(yaml12)


def test_the_parser_is_not_imported_for_what_is_kept(folder: Path) -> None:
    import subprocess

    yaml_memo.load(TEXT, "p.yaml")
    code = (
        "import sys; from git_mlvers.values import yaml_memo as m;"
        f"m.keep_in({str(folder)!r}); m.load({TEXT!r}, 'p'); print('yaml' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
