"""`DAGsHubLogger`: the files that the package ``dagshub`` 0.7.3 writes, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_mlvers import DAGsHubLogger, dagshub_logger
from git_mlvers.values import formats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1795228985742
HEADING = b"Name,Value,Timestamp,Step\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where things are logged; it is always the same time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(DAGsHubLogger, "epoch_milisec", staticmethod(lambda: NOW))
    monkeypatch.setattr(DAGsHubLogger, "_default", None)
    yield tmp_path


class Float(float):
    """As NumPy's float64 is one."""


def test_the_files_are_there_from_the_start(folder: Path) -> None:
    DAGsHubLogger()
    assert (folder / "metrics.csv").read_bytes() == HEADING
    assert (folder / "params.yml").read_bytes() == b"{}\n"


def test_metrics_are_rows_that_quote_all_but_numbers(folder: Path) -> None:
    logger = DAGsHubLogger()
    logger.log_metrics({"k_best": 5}, 3)
    logger.log_metrics(ok=True, none=None, nan=float("nan"), text='a "b", c')
    logger.log_metrics({"score": Float(0.5)}, step_num=2)
    assert (folder / "metrics.csv").read_bytes() == HEADING + (
        b'"k_best",5,1795228985742,3\r\n'
        b'"ok",True,1795228985742,1\r\n'
        b'"none","",1795228985742,1\r\n'
        b'"nan",nan,1795228985742,1\r\n'
        b'"text","a ""b"", c",1795228985742,1\r\n'
        b'"score",0.5,1795228985742,2\r\n'
    )
    values = formats.metrics("metrics.csv", (folder / "metrics.csv").read_bytes())
    assert values["k_best"] == 5 and values["text"] == 'a "b", c'


def test_hyperparameters_are_plain_numbers_or_text(folder: Path) -> None:
    logger = DAGsHubLogger()
    logger.log_hyperparams({"model": {"n": 5, "deep": {"x": Float(1.5)}}, "list": [1, 2]})
    logger.log_hyperparams(lr=0.001, none=None, yes=True, model={"m": 1})
    assert (folder / "params.yml").read_bytes() == (
        b"list: '[1, 2]'\nlr: 0.001\nmodel:\n  m: 1\nnone: null\n'yes': true\n"
    )


def test_it_works_without_the_parentheses_too(folder: Path) -> None:
    logger = DAGsHubLogger
    logger.log_hyperparams({"model_class": "KMeans"})
    logger.log_metrics({"k_best": 5})
    assert (folder / "params.yml").read_bytes() == b"model_class: KMeans\n"
    assert (folder / "metrics.csv").read_bytes() == HEADING + b'"k_best",5,1795228985742,1\r\n'


def test_nothing_is_written_before_it_is_saved(folder: Path) -> None:
    logger = DAGsHubLogger("logs/m.csv", hparams_path="logs/p.yml", eager_logging=False)
    logger.log_metrics({"a": 1})
    logger.log_hyperparams({"b": 2})
    assert not (folder / "logs").exists()
    logger.save()
    logger.close()
    assert (folder / "logs/m.csv").read_bytes() == HEADING + b'"a",1,1795228985742,1\r\n'
    assert (folder / "logs/p.yml").read_bytes() == b"b: 2\n"


def test_either_file_can_be_left_out(folder: Path) -> None:
    with dagshub_logger(should_log_metrics=False) as logger:
        logger.log_metrics({"a": 1})
        logger.log_hyperparams({"b": 2})
    assert [path.name for path in folder.iterdir()] == ["params.yml"]
    (folder / "params.yml").unlink()
    with dagshub_logger(should_log_hparams=False) as logger:
        logger.log_metrics({"a": 1})
        logger.log_hyperparams({"b": 2})
    assert [path.name for path in folder.iterdir()] == ["metrics.csv"]


def test_a_folder_that_cannot_be_made_stops_nothing(folder: Path) -> None:
    (folder / "file").write_text("")
    logger = DAGsHubLogger("file/m.csv", hparams_path="file/p.yml")
    logger.log_metrics({"a": 1})
    logger.log_hyperparams({"b": 2})
    logger.close()
