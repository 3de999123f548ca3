"""Changing a pipeline file leaves what is not changed as it was written."""

from __future__ import annotations

import difflib
import io
import textwrap

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from git_mlvers.errors import MlversError
from git_mlvers.pipeline.edit import put_stage, set_frozen
from git_mlvers.values.yaml12 import load

FILE = """\
# The pipeline.
vars:
  - lr: 1e-3   # small

stages:
  # gets it
  get:
    cmd: "python get.py"   # quoted
    deps: [a, b]
    outs:
      - data:
          cache: false

  loop:
    foreach: [x, 'y']
    do:
      cmd: >-
        python a.py
        --x ${item}

# the end
"""


def added(text: str | None, name: str = "new", *, force: bool = False) -> str:
    data = None if text is None else text.encode()
    definition = {"cmd": "echo hi", "deps": ["d"], "outs": [{"o": {"persist": True}}]}
    return put_stage(data, "dvc.yaml", name, definition, force=force).decode()


def lost(before: str, after: str) -> list[str]:
    """The lines that are no longer there."""
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line[2:] for line in lines if line.startswith("- ")]


def frozen(text: str, name: str, to: bool = True) -> str:
    return set_frozen(text.encode(), "dvc.yaml", name, to).decode()


def test_a_new_file() -> None:
    assert added(None) == textwrap.dedent("""\
        stages:
          new:
            cmd: echo hi
            deps:
            - d
            outs:
            - o:
                persist: true
        """)


@pytest.mark.parametrize("text", ["stages:\n", "stages: {}\n", "# only a remark\n", ""])
def test_a_file_without_stages(text: str) -> None:
    found = added(text)
    assert load(found.encode(), "f")["stages"]["new"]["cmd"] == "echo hi"  # type: ignore[index]
    assert found.startswith("# only") == text.startswith("# only")


def test_another_stage_is_all_that_is_new() -> None:
    found = added(FILE)
    assert lost(FILE, found) == []
    assert "\n      - o:\n          persist: true\n" in found


def test_each_style_of_lists_stays() -> None:
    text = "stages:\n    a:\n        cmd: x\n        deps:\n        - d\n"
    found = added(text)
    assert lost(text, found) == []
    assert "\n        deps:\n        - d\n        outs:\n" in found


def test_a_long_line_is_not_broken() -> None:
    text = f"stages:\n  a:\n    cmd: python {'--word ' * 60}end\n"
    assert lost(text, added(text)) == []


def test_line_ends_of_windows_stay() -> None:
    text = "stages:\r\n  a:\r\n    cmd: x\r\n"
    found = added(text)
    assert lost(text, found) == []
    assert found.count("\n") == found.count("\r\n")


def test_a_stage_is_replaced_only_by_force() -> None:
    with pytest.raises(MlversError, match="there is a stage 'get'"):
        added(FILE, "get")
    found = added(FILE, "get", force=True)
    content = load(found.encode(), "f")
    assert list(content["stages"]) == ["get", "loop"]  # type: ignore[index]
    assert content["stages"]["get"]["cmd"] == "echo hi"  # type: ignore[index]
    assert "# The pipeline." in found


def test_freezing_adds_a_line_and_back_takes_it() -> None:
    found = frozen(FILE, "get")
    assert lost(FILE, found) == []
    assert load(found.encode(), "f")["stages"]["get"]["frozen"] is True  # type: ignore[index]
    assert frozen(found, "get") == found
    again = frozen(found, "get", False)
    assert again == FILE


def test_freezing_a_loop() -> None:
    content = load(frozen(FILE, "loop").encode(), "f")
    assert content["stages"]["loop"]["do"]["frozen"] is True  # type: ignore[index]


def test_one_turn_of_a_loop_cannot_be_frozen() -> None:
    with pytest.raises(MlversError, match="only the whole loop") as caught:
        frozen(FILE, "loop@x")
    assert caught.value.hint == "name the loop: loop"


def test_a_stage_that_is_not_there() -> None:
    with pytest.raises(MlversError, match="there is no stage 'gt'") as caught:
        frozen(FILE, "gt")
    assert caught.value.hint == "did you mean get?"


def test_a_file_that_cannot_be_read() -> None:
    with pytest.raises(MlversError, match="not valid YAML"):
        added("stages: [")
    with pytest.raises(MlversError, match="yaml is not a mapping"):
        added("- a\n")


def test_a_file_in_another_encoding() -> None:
    with pytest.raises(MlversError, match="cannot be changed without changing more") as caught:
        put_stage("stages: {}\n".encode("utf-16"), "dvc.yaml", "a", {"cmd": "x"}, force=False)
    assert caught.value.hint == "change it with an editor"


@pytest.mark.parametrize(
    "text",
    [
        "stages:\n  a:\n    cmd: x\nvars:\n  - a: 1\n    b:   2\n",
        "%YAML 1.2\n---\nstages:\n  a:\n    cmd: x\n...\n",
        "stages:\n  a:\n    cmd: |\n      x\n      # text\n    # tail\n\n# end\n",
        "stages:\n  a:\n    cmd: >\n      x\n",
        "stages:\n  a: {cmd: x}\n\n\nmetrics: [m]\n",
        "stages:\n  a:\n    cmd: x\n    deps:\n    -   d # why\n",
        "\ufeffstages:\n  a:\n    cmd: x\n",
        "stages:\n  a: &a\n    cmd: x\n  b:\n    <<: *a\n",
    ],
)
def test_every_other_byte_stays(text: str) -> None:
    found = added(text)
    before, _, after = found.partition("  new:\n    cmd: echo hi\n")
    rest = after.splitlines(keepends=True)
    while rest and rest[0].startswith("    "):
        rest.pop(0)
    assert before + "".join(rest) == text
    if "<<" not in text:
        assert frozen(frozen(text, "a"), "a", False) == text


keys = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
words = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=12)
values = st.recursive(
    words | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(keys, st.dictionaries(keys, values, max_size=3), max_size=4), words)
def test_any_file_has_the_new_stage_and_all_it_had(
    content: dict[str, dict[str, object]], remark: str
) -> None:
    out = io.BytesIO()
    YAML().dump({"stages": content, "other": remark}, out)
    data = out.getvalue() + f"# {remark}\n".encode()
    before = load(data, "f")
    found = load(put_stage(data, "f", "NEW", {"cmd": "x"}, force=False), "f")
    assert isinstance(found, dict)
    assert found["stages"].pop("NEW") == {"cmd": "x"}
    assert found == before
