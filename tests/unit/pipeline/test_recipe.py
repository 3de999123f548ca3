"""What goes into `K`, and what does not."""

from __future__ import annotations

import json

from git_mlvers.pipeline.model import Out, Params, Stage
from git_mlvers.pipeline.recipe import Recipe, recipe_of, result_key

STAGE = Stage(
    "train",
    "dvc.yaml",
    1,
    ".",
    ("python train.py",),
    ("train.py", "data"),
    (Params("params.yaml", ("train",)),),
    (Out("model"), Out("history", persist=True), Out("scores.json", "metric")),
)
NAMES = {"train.py": "1", "data": "2", "model": "3", "history": "4", "scores.json": "5"}
VALUES: dict[str, dict[str, object]] = {"params.yaml": {"train": {"rate": 0.1, "deep": [1, 2]}}}


def recipe(stage: Stage = STAGE, **names: str) -> Recipe:
    return recipe_of(stage, {**NAMES, **names}, VALUES)


def test_the_name_does_not_count_and_the_order_does_not() -> None:
    other = STAGE._replace(
        name="other", file="sub/dvc.yaml", line=9, deps=STAGE.deps[::-1], outs=STAGE.outs[::-1]
    )
    assert recipe(other).key == recipe().key


def test_all_that_goes_in_counts() -> None:
    others = [
        recipe(data="changed"),
        recipe(STAGE._replace(cmds=("python train.py -v",))),
        recipe(STAGE._replace(wdir="sub")),
        recipe(STAGE._replace(outs=STAGE.outs[:-1])),
        recipe_of(STAGE, NAMES, {"params.yaml": {"train": {"rate": 0.2, "deep": [1, 2]}}}),
        recipe_of(STAGE, NAMES, {"params.yaml": {"train": {"rate": 0.1, "deep": [2, 1]}}}),
        recipe_of(STAGE, {**NAMES, "data": None}, VALUES),
    ]
    keys = [recipe().key, *(other.key for other in others)]
    assert len(set(keys)) == len(keys)


def test_what_stays_in_place_counts_only_for_having_an_earlier_run() -> None:
    assert recipe(history="changed").key == recipe().key
    assert recipe(history="changed").restore_key != recipe().restore_key
    assert recipe(model="changed").restore_key == recipe().restore_key


def test_without_it_both_are_the_same() -> None:
    plain = recipe(STAGE._replace(outs=STAGE.outs[:1]))
    assert plain.key == plain.restore_key


def test_it_is_read_as_it_was_written() -> None:
    said = json.loads(json.dumps(recipe()._replace(start={}).as_json()))
    found = Recipe.from_json(said)
    assert found is not None
    assert found.key == recipe().key
    assert Recipe.from_json({"cmds": "x"}) is None


def test_the_result_is_that_of_all_outputs() -> None:
    assert result_key({"a": "1", "b": "2"}) == result_key({"b": "2", "a": "1"})
    assert result_key({"a": "1", "b": "2"}) != result_key({"a": "2", "b": "1"})
