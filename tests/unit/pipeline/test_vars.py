"""Where the values come from: params.yaml, vars of the file, vars of a stage."""

from __future__ import annotations

import pytest

from git_mlvers.pipeline.model import Params
from tests.support.grammar import project, refused, stages

PARAMS = "lr: 1e-3\nmodel: {kind: cnn}\n"
STAGE = "stages:\n  a: {cmd: 'x ${lr} ${model.kind}'}\n"


def cmd(text: str, **files: str) -> str:
    return stages(text, params_yaml=PARAMS, **files)["a"].cmds[0]


def test_params_yaml_is_there_without_a_word() -> None:
    assert cmd(STAGE) == "x 0.001 cnn"


def test_each_pipeline_file_has_the_one_beside_it() -> None:
    found = stages(
        "stages: {a: {cmd: x}}",
        params_yaml="v: top\n",
        sub__dvc_yaml="stages:\n  b:\n    cmd: x ${v}\n",
        sub__params_yaml="v: sub\n",
    )
    assert found["b"].cmds == ("x sub",)


def test_vars_add_to_it() -> None:
    text = (
        "vars: [{model: {size: 3}}, {w: 4}]\nstages:\n"
        "  a:\n    cmd: ${model.kind}${model.size}${w}\n"
    )
    assert cmd(text) == "cnn34"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("v.yaml", "j: {k: 1}\n"),
        ("v.json", '{"j": {"k": 1}}'),
        ("v.toml", "[j]\nk = 1\n"),
        ("v.py", "class j:\n    k = 1\n"),
    ],
)
def test_files_of_every_format(name: str, content: str) -> None:
    text = f"vars: [{name}]\nstages:\n  a:\n    cmd: x ${{j.k}}\n"
    assert cmd(text, **{name.replace(".", "_"): content}) == "x 1"


def test_parts_of_a_file() -> None:
    text = "vars: ['v.json:q', 'v.json:j,k']\nstages:\n  a:\n    cmd: ${q}${j}${k}\n"
    assert cmd(text, v_json='{"q": 1, "j": 2, "k": 3, "lr": 9}') == "123"


def test_a_file_twice_is_no_harm() -> None:
    assert cmd("vars: [params.yaml, v.json, v.json]\n" + STAGE, v_json="{}") == "x 0.001 cnn"


def test_vars_of_a_stage() -> None:
    found = stages(
        """
        stages:
          a:
            cmd: x ${z} ${w}
            wdir: sub
            vars: [{z: 2}, w.yaml]
          b:
            cmd: x ${lr}
        """,
        params_yaml=PARAMS,
        sub__w_yaml="w: 5\n",
    )
    assert found["a"].cmds == ("x 2 5",)
    assert found["b"].cmds == ("x 0.001",)


def test_vars_of_a_stage_are_its_own() -> None:
    error = refused("stages:\n  a: {cmd: x, vars: [{z: 2}]}\n  b: {cmd: '${z}'}\n")
    assert error.message == "dvc.yaml, line 3: stages.b.cmd: ${z}: there is no 'z'"


def test_the_files_that_were_used_are_known() -> None:
    text = "vars: ['v.json:q']\n" + STAGE
    found = project(text, params_yaml=PARAMS, v_json='{"q": 1}').pipelines["dvc.yaml"]
    assert found.vars == (Params("params.yaml", None), Params("v.json", ("q",)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vars: [{lr: 3}]", "line 1: vars.0: 'lr' is already defined by params.yaml"),
        ("vars: [{model: {kind: z}}]", "vars.0: 'model.kind' is already defined by params.yaml"),
        ("vars: [{model: 1}]", "vars.0: 'model' is already defined by params.yaml"),
        ("vars: [{n: 1}, {n: 2}]", "vars.1: 'n' is already defined by dvc.yaml, vars.0"),
        ("vars: [v.json, {q: 2}]", "vars.1: 'q' is already defined by v.json"),
        ("vars: ['v.json:q', v.json]", "vars.1: 'v.json' is loaded already"),
        ("vars: [v.json, 'v.json:q']", "vars.1: 'v.json:q' is loaded already"),
        ("vars: ['v.json:q', 'v.json:q']", "vars.1: 'v.json:q' is loaded already"),
        ("vars: ['params.yaml:lr']", "vars.0: 'params.yaml:lr' is loaded already"),
        ("vars: ['v.json:nope']", "vars.0: there is no 'nope' in v.json"),
        ("vars: [nope.yaml]", "vars.0: there is no file nope.yaml"),
        ("vars: [list.json]", "vars.0: list.json does not hold a mapping"),
        ("vars: ['${lr}.yaml']", "vars.0: vars cannot have templates in them"),
        ("vars: [{a: '${lr}'}]", "vars.0: vars cannot have templates in them"),
        ("vars: v.json", "vars: a list is needed here, not a text"),
        ("vars: [3]", "vars.0: a mapping is needed here, not a number"),
    ],
)
def test_errors(text: str, message: str) -> None:
    files = {"params_yaml": PARAMS, "v_json": '{"q": 1}', "list_json": "[1]"}
    error = refused(f"{text}\nstages:\n  a: {{cmd: x}}\n", **files)
    assert error.message.startswith("dvc.yaml, line 1: ")
    assert message in error.message


def test_a_stage_cannot_redefine_either() -> None:
    error = refused("stages:\n  a:\n    cmd: x\n    vars: [{lr: 2}]\n", params_yaml=PARAMS)
    assert error.message == (
        "dvc.yaml, line 4: stages.a.vars.0: 'lr' is already defined by params.yaml"
    )


@pytest.mark.parametrize("path", ["../secret.yaml", "/etc/passwd.yaml", ".git/config.yaml"])
def test_files_outside_of_the_repository_are_not_read(path: str) -> None:
    error = refused(f"vars: [{path}]\nstages:\n  a: {{cmd: x}}\n")
    assert "is outside of the repository" in error.message
