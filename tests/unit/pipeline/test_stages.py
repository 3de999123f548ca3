"""What one stage of a pipeline file says, and the errors of one that says it wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_mlvers.pipeline.model import Out, Params
from tests.support import pipelines
from tests.support.grammar import TOP, refused, stages

DATA = Path(pipelines.__file__).parent / "data"


def test_the_seed_with_params_and_metrics() -> None:
    found = stages((DATA / "seed-pipeline" / "dvc.yaml").read_text())
    assert list(found) == ["get_data", "featurize", "train", "evaluate"]
    train = found["train"]
    assert train.cmds == ("python src/03-train_model.py",)
    assert train.deps == ("assets/features", "src/03-train_model.py")
    assert train.params == (Params("params.yaml", ("base", "train")),)
    assert train.outs == (Out("assets/models"),)
    assert (train.wdir, train.line, train.address) == (".", 20, "train")
    assert found["evaluate"].outs == (Out("assets/metrics.json", "metric", cache=False),)


def test_the_seed_with_outputs_that_stay() -> None:
    found = stages((DATA / "seed-pipeline-2" / "dvc.yaml").read_text())
    assert [out.persist for stage in found.values() for out in stage.outs] == [True] * 5
    assert found["segment"].outs[-1] == Out("metrics.csv", "metric", persist=True)
    assert found["analyze"].outs == ()


def test_commands() -> None:
    found = stages("""
        stages:
          text:
            cmd: one --option
          lines:
            cmd: |
              cd src

              ls
          list:
            cmd:
            - one
            - |
              if true; then
                two
              fi
        """)
    assert found["text"].cmds == ("one --option",)
    assert found["lines"].cmds == ("cd src", "ls")
    assert found["list"].cmds == ("one", "if true; then\n  two\nfi\n")


def test_paths_start_at_the_top() -> None:
    found = stages(
        "",
        sub__dvc_yaml="""
        stages:
          a:
            cmd: x
            wdir: ./deeper/
            deps: [./in, ../in//two/, ../../top, /etc/hosts, s3://bucket/key, ../../../out, .]
            outs: [o/, ../o2]
            params: [lr]
        """,
    )
    stage = found["a"]
    assert stage.wdir == "sub/deeper"
    assert stage.deps == (
        *("sub/deeper/in", "sub/in/two", "top", "/etc/hosts", "s3://bucket/key"),
        *("/home/user/out", "sub/deeper"),
    )
    assert [out.path for out in stage.outs] == ["sub/deeper/o", "sub/o2"]
    assert stage.params == (Params("sub/deeper/params.yaml", ("lr",)),)
    assert stage.address == "sub/dvc.yaml:a"


def test_an_absolute_path_in_the_repository_is_one_from_the_top() -> None:
    found = stages(f"stages: {{a: {{cmd: x, deps: [{TOP}/data/in, {TOP}]}}}}")
    assert found["a"].deps == ("data/in", ".")


def test_a_path_named_twice_counts_once() -> None:
    found = stages("stages: {a: {cmd: x, deps: [d, ./d, d/]}}")
    assert found["a"].deps == ("d",)


def test_params() -> None:
    found = stages("""
        stages:
          a:
            cmd: x
            params:
            - lr
            - model.kind
            - other.yaml: [a, b]
            - params.yaml: [lr, name]
            - whole.json:
            - empty.toml: []
          b:
            cmd: x
            params:
            - lr
            - params.yaml:
            - params.yaml: [name]
        """)
    assert found["a"].params == (
        Params("params.yaml", ("lr", "model.kind", "name")),
        Params("other.yaml", ("a", "b")),
        Params("whole.json", None),
        Params("empty.toml", None),
    )
    assert found["b"].params == (Params("params.yaml", None),)


def test_flags_of_outputs() -> None:
    found = stages("""
        stages:
          a:
            cmd: x
            outs:
            - d: {persist: true}
            - d: {cache: false}
            - e: {push: false, remote: far, desc: D, type: T, labels: [l], meta: {k: v}}
            - f: {checkpoint: true}
            metrics: [m.json]
            plots:
            - p.csv: {x: step, y: loss, x_label: X, title: T, template: linear, header: false}
            - image.png
            frozen: true
            always_changed: true
            desc: why
            meta: {who: me}
        """)
    stage = found["a"]
    assert stage.outs == (
        Out("d", cache=False, persist=True),
        Out("e", push=False, remote="far", desc="D", type="T", labels=("l",), meta={"k": "v"}),
        Out("f"),
        Out("m.json", "metric"),
        Out(
            "p.csv",
            "plot",
            view={
                "x": "step",
                "y": "loss",
                "x_label": "X",
                "title": "T",
                "template": "linear",
                "header": False,
            },
        ),
        Out("image.png", "plot"),
    )
    assert (stage.frozen, stage.always_changed, stage.desc) == (True, True, "why")
    assert stage.meta == {"who": "me"}


def test_lists_may_be_left_empty() -> None:
    stage = stages("stages: {a: {cmd: x, deps: , outs: , params: }}")["a"]
    assert (stage.deps, stage.outs, stage.params) == ((), (), ())


def test_anchors_and_merges() -> None:
    found = stages("""
        x-common: &common
          deps: [d]
        stages:
          a:
            <<: *common
            cmd: x
        """)
    assert found["a"].deps == ("d",)


@pytest.mark.parametrize(
    ("stage", "message", "hint"),
    [
        ("{cmd: x, depz: [y]}", "stages.a.depz: there is no such key", "did you mean deps?"),
        ("{cmd: x, outs: [o: {cach: true}]}", "outs.0.o.cach: there is no such", "cache?"),
        ("{cmd: x, outs: [o: {x: c}]}", "outs.0.o.x: there is no such key", ""),
        ("{cmd: x, outs: [o: ]}", "outs.0.o: a mapping of flags is needed here", ""),
        ("{cmd: x, outs: [3]}", "outs.0: a mapping is needed here, not a number", ""),
        ("{cmd: x, deps: y}", "deps: a list is needed here, not a text", ""),
        ("{cmd: x, deps: [1]}", "deps.0: a text is needed here, not a number", ""),
        ("{cmd: x, deps: ['']}", "deps.0: the path is empty", ""),
        ("{cmd: x, params: [1]}", "params.0: a mapping is needed", ""),
        ("{cmd: x, params: [p.yaml: [1]]}", "params.0.p.yaml.0: a text is needed", ""),
        ("{cmd: x, frozen: yes}", "frozen: true or false is needed here, not a text", ""),
        ("{cmd: x, wdir: 3}", "wdir: a text is needed", ""),
        ("{cmd: x, wdir: ../..}", "wdir: ../.. is not in the repository", ""),
        ("{cmd: x, desc: [a]}", "desc: a text is needed", ""),
        ("{cmd: 3}", "cmd: a text is needed here, not a number", ""),
        ("{cmd: [3]}", "cmd.0: a text is needed", ""),
        ("{cmd: ''}", "cmd: there is no command", ""),
        ("{cmd: []}", "cmd: there is no command", ""),
        ("{deps: [x]}", "stages.a: there is no cmd", ""),
        ("", "stages.a: a stage is needed here, not nothing", ""),
        ("text", "stages.a: a mapping is needed here, not a text", ""),
        ("{cmd: x, deps: ['ds://d']}", "deps.0: datasets of DVC", "path of the files"),
    ],
)
def test_errors(stage: str, message: str, hint: str) -> None:
    error = refused(f"stages:\n  b: {{cmd: x}}\n  a: {stage}\n")
    assert error.message.startswith("dvc.yaml, line 3: ")
    assert message in error.message
    assert hint in (error.hint or "")


def test_the_line_is_that_of_the_key() -> None:
    error = refused("""
        stages:
          a:
            cmd: x
            outs:
            - one
            - two:
                persist: true
                cach: false
        """)
    assert error.message == "dvc.yaml, line 9: stages.a.outs.1.two.cach: there is no such key"


def test_a_name_that_is_no_text() -> None:
    error = refused("stages: {1: {cmd: x}}")
    assert error.message == "dvc.yaml, line 1: stages.1: a key must be a text"


def test_a_file_that_is_no_yaml() -> None:
    assert refused("stages: [\n").message.startswith("dvc.yaml, line 2: not valid YAML")


def test_a_name_twice() -> None:
    assert "'a' stands twice" in refused("stages:\n  a: {cmd: x}\n  a: {cmd: y}\n").message
