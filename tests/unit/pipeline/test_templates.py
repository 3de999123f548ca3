"""Expressions: what they name, and how the value stands in a text."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_mlvers.pipeline.template import TemplateError, as_options, is_template, lookup, resolve
from tests.support.grammar import refused, stages

VALUES: dict[str, Any] = {
    "lr": 0.001,
    "flag": True,
    "none": None,
    "name": "us",
    "layers": [1, 2, {"deep": "x"}],
    "model": {"kind": "cnn", "opt": {"lr": 0.1}},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("lr", 0.001),
        ("model.kind", "cnn"),
        ("model.opt.lr", 0.1),
        ("model[kind]", "cnn"),
        ("layers[0]", 1),
        ("layers.1", 2),
        ("layers[-1].deep", "x"),
        (" lr ", 0.001),
        ("model . kind", "cnn"),
        ("none", None),
    ],
)
def test_names(expression: str, value: object) -> None:
    assert lookup(expression, VALUES) == value


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "cannot be read"),
        ("a..b", "cannot be read"),
        (".a", "cannot be read"),
        ("lr[", "cannot be read"),
        ("lr]", "cannot be read"),
        ("nope", "there is no 'nope'"),
        ("model.knd", "there is no 'knd'"),
        ("layers[9]", "no position '9' in a list of 3"),
        ("layers.x", "no position 'x'"),
        ("lr.x", "nothing below a plain value"),
    ],
)
def test_names_of_nothing(expression: str, message: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(message)):
        lookup(expression, VALUES)


def test_the_nearest_name_is_told() -> None:
    with pytest.raises(TemplateError) as caught:
        lookup("model.knd", VALUES)
    assert caught.value.hint == "did you mean kind?"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${lr}", 0.001),
        ("${flag}", True),
        ("${none}", None),
        ("x-${lr}", "x-0.001"),
        ("${flag}-${none}", "true-None"),
        ("${name} ${name}", "us us"),
        (r"\${name}", "${name}"),
        (r"\${name} ${name}", "${name} us"),
        ("$name $(name) {name}", "$name $(name) {name}"),
        ("${name", "${name"),
        ("$${name}", "$us"),
        ("a\n${name}\n", "a\nus\n"),
    ],
)
def test_in_texts(text: str, value: object) -> None:
    found = resolve(text, VALUES)
    assert (found, type(found)) == (value, type(value))


def test_keys_and_items_are_replaced() -> None:
    found = resolve({"${name}.yaml": ["${model.kind}", 3, {"k": "${lr}"}]}, VALUES)
    assert found == {"us.yaml": ["cnn", 3, {"k": 0.001}]}


@pytest.mark.parametrize("text", ["${model}", "x ${model}", "${layers}", "x ${layers}"])
def test_only_plain_values_stand_in_a_stage(text: str) -> None:
    with pytest.raises(TemplateError, match="only a plain value can stand here"):
        resolve(text, VALUES)


def test_a_mapping_as_options() -> None:
    values = {
        "lr": 0.1,
        "text": "a b",
        "on": True,
        "off": False,
        "many": [1, "c d"],
        "empty": [],
        "none": None,
        "opt": {"name": "sgd", "deep": {"x": 1}},
    }
    words = "--lr 0.1 --text 'a b' --on --many 1 'c d' --none None --opt.name sgd --opt.deep.x 1"
    assert as_options(values) == words


def test_a_mapping_in_a_command() -> None:
    params = "model: {kind: cnn, lr: 0.1}\n"
    found = stages("stages:\n  a:\n    cmd: run ${model}\n", params_yaml=params)
    assert found["a"].cmds == ("run --kind cnn --lr 0.1",)


def test_a_list_in_a_list_is_no_option() -> None:
    with pytest.raises(TemplateError, match="'a' has a list or a mapping"):
        as_options({"a": [[1]]})


def test_errors_have_a_place() -> None:
    error = refused(
        "stages:\n  a:\n    cmd: x\n    deps:\n    - d\n    - ${nme}\n", params_yaml="name: us\n"
    )
    assert error.message == "dvc.yaml, line 4: stages.a.deps: ${nme}: there is no 'nme'"
    assert error.hint == "did you mean name?"


def test_every_part_of_a_stage() -> None:
    found = stages(
        """
        stages:
          a:
            cmd: run ${n}
            wdir: ${dir}
            deps: ['in/${n}']
            params: ['${n}', '${n}.yaml': ['${n}.x']]
            outs: ['out/${n}': {cache: "${no}"}]
            frozen: ${yes}
            desc: about ${n}
        """,
        params_yaml="n: us\ndir: work\nyes: true\nno: false\n",
    )
    stage = found["a"]
    assert stage.cmds == ("run us",)
    assert stage.wdir == "work"
    assert stage.deps == ("work/in/us",)
    assert [item.path for item in stage.params] == ["work/params.yaml", "work/us.yaml"]
    assert (stage.outs[0].path, stage.outs[0].cache) == ("work/out/us", False)
    assert stage.frozen
    assert stage.desc == "about us"


def test_params_files_are_not_read_without_templates() -> None:
    assert stages("stages: {a: {cmd: x}}", params_yaml="[broken")["a"].cmds == ("x",)
    error = refused("stages:\n  a:\n    cmd: x ${b}\n", params_yaml="[broken")
    assert error.message.startswith("params.yaml, line 2: not valid YAML")


plain = st.text(st.characters(exclude_categories=("C", "Z")), max_size=20)


@given(plain)
def test_a_text_without_expressions_stays(text: str) -> None:
    if not is_template(text) and "${" not in text:
        assert resolve(text, {}) == text


@given(plain.filter(lambda text: "${" not in text and not text.endswith(("\\", "$"))), plain)
def test_around_an_expression_nothing_changes(before: str, value: str) -> None:
    assert resolve(f"{before}|${{x}}|{before}", {"x": value}) == f"{before}|{value}|{before}"


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), plain, max_size=5))
def test_options_are_what_a_shell_reads(values: dict[str, str]) -> None:
    words = shlex.split(as_options(values))
    assert words == [word for name, value in values.items() for word in (f"--{name}", value)]


@given(st.text(alphabet="ab.[]${}\\ 0-", max_size=24))
def test_any_text_is_resolved_or_refused(text: str) -> None:
    try:
        resolve(text, {"a": {"b": 1}, "b": [1, 2]})
    except TemplateError:
        pass
