"""foreach and matrix: which stages they make."""

from __future__ import annotations

import pytest

from tests.support.grammar import project, refused, stages

PARAMS = """\
rows: [{name: a, size: 1}, {name: b, size: 2}]
models: {us: {thresh: 10}, gb: {thresh: 15}}
plain: [x, y]
lr: 1e-3
"""


def made(text: str) -> dict[str, str]:
    """The stages by name, each with its command."""
    return {name: stage.cmds[0] for name, stage in stages(text, params_yaml=PARAMS).items()}


def loop(over: str, cmd: str) -> str:
    return f"stages:\n  b:\n    foreach: {over}\n    do:\n      cmd: {cmd}\n"


def test_a_list() -> None:
    assert made(loop("[x, 1, 2.50, true, 1e-3]", "echo ${item}")) == {
        "b@x": "echo x",
        "b@1": "echo 1",
        "b@2.5": "echo 2.5",
        "b@true": "echo true",
        "b@0.001": "echo 0.001",
    }


def test_a_list_of_mappings_goes_by_position() -> None:
    found = made(loop("[{n: p}, {n: q}]", "echo ${item.n}"))
    assert found == {"b@0": "echo p", "b@1": "echo q"}


def test_a_mapping() -> None:
    found = made(loop("{us: {v: 1}, 2: {v: 3}}", "echo ${key} ${item.v}"))
    assert found == {"b@us": "echo us 1", "b@2": "echo 2 3"}


def test_lists_and_mappings_of_params() -> None:
    assert made(loop("${rows}", "echo ${item.name}")) == {"b@0": "echo a", "b@1": "echo b"}
    found = made(loop("${models}", "echo ${key} ${item.thresh}"))
    assert found == {"b@us": "echo us 10", "b@gb": "echo gb 15"}


def test_items_of_params() -> None:
    assert list(made(loop("['${lr}', 'x${lr}']", "echo"))) == ["b@0.001", "b@x0.001"]
    assert list(made(loop("['${models}', y]", "echo"))) == ["b@0", "b@1"]


def test_nothing_to_do() -> None:
    assert made(loop("[]", "echo")) == {}


def test_equal_items_are_one_stage() -> None:
    assert list(made(loop("[x, y, x]", "echo"))) == ["b@x", "b@y"]


def test_with_a_folder_and_vars_of_its_own() -> None:
    found = stages("""
        vars: [{dir: sub}]
        stages:
          b:
            foreach: [x, y]
            do:
              cmd: echo ${v} ${item}
              wdir: ${dir}/${item}
              vars: [{v: 3}]
              outs: [o]
        """)
    assert found["b@y"].cmds == ("echo 3 y",)
    assert found["b@y"].wdir == "sub/y"
    assert found["b@y"].outs[0].path == "sub/y/o"


def test_group_and_line() -> None:
    stage = stages(loop("[x]", "echo"))["b@x"]
    assert (stage.group, stage.line) == ("b", 2)


def test_a_matrix() -> None:
    found = made("""
        stages:
          t:
            matrix:
              m: [cnn, 1]
              l: [{a: 1}, p]
              f: ${plain}
            cmd: run ${item.m} ${item.f} ${key}
        """)
    assert list(found) == [
        *("t@cnn-l0-x", "t@cnn-l0-y", "t@cnn-p-x", "t@cnn-p-y"),
        *("t@1-l0-x", "t@1-l0-y", "t@1-p-x", "t@1-p-y"),
    ]
    assert found["t@1-p-y"] == "run 1 y 1-p-y"


def test_a_matrix_of_mappings() -> None:
    found = made("""
        stages:
          t:
            matrix:
              m: [{a: 1, b: {c: q}}]
            cmd: run ${item.m.b.c} ${item.m}
        """)
    assert found == {"t@m0": "run q --a 1 --b.c q"}


def test_a_name_that_the_loop_hides_is_warned_of() -> None:
    text = loop("[x]", "echo ${item}")
    found = project(text, params_yaml="item: 1\nkey: 2\n")
    assert found.warnings == ("dvc.yaml: 'item' of params or vars is hidden in the loop 'b'",)
    assert found.stages[0].cmds == ("echo x",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (loop("abc", "x"), "line 3: stages.b.foreach: a list or a mapping is needed here"),
        (loop("[x]", "${key}"), "line 5: stages.b@x.cmd: ${key}: there is no 'key'"),
        (loop("${nope}", "x"), "line 3: stages.b.foreach: ${nope}: there is no 'nope'"),
        ("stages:\n  b:\n    foreach: [x]\n    cmd: x\n", "line 4: stages.b.cmd: there is no such"),
        ("stages:\n  b:\n    foreach: [x]\n", "line 2: stages.b: foreach and do need each other"),
        ("stages:\n  b:\n    do: {cmd: x}\n", "line 2: stages.b: foreach and do need each other"),
        (
            "stages:\n  b:\n    foreach: [x]\n    do: {cmd: x, dep: [y]}\n",
            "line 4: stages.b.do.dep: there is no such key",
        ),
        (
            "stages:\n  b:\n    foreach: [x]\n    do: {cmd: x, vars: [{item: 3}]}\n",
            "line 4: stages.b@x.vars.0: 'item' is what the loop itself sets",
        ),
        ("stages:\n  b:\n    matrix: {m: x}\n    cmd: x\n", "line 3: stages.b.matrix.m: a list"),
        ("stages:\n  b:\n    matrix: [x]\n    cmd: x\n", "line 3: stages.b.matrix: a mapping"),
        ("stages:\n  b:\n    matrix: {m: [1]}\n", "line 2: stages.b@1: there is no cmd"),
        (
            "stages:\n  b:\n    foreach: [x]\n    do: {cmd: x}\n  b@x: {cmd: y}\n",
            "line 5: stages.b@x: two stages have this name",
        ),
    ],
)
def test_errors(text: str, message: str) -> None:
    error = refused(text, params_yaml=PARAMS)
    assert message in error.message
