"""One call that logs to MLflow, where that is installed, and to open files in Git."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from git_mlvers.tracking.harmless import harmless
from git_mlvers.tracking.logger import Logger
from git_mlvers.tracking.plain import plain
from git_mlvers.values.nested import flatten

if TYPE_CHECKING:
    from collections.abc import Mapping


class BaseLogger:
    """Logs params and metrics twice; trouble with the one does not stop the other."""

    def __init__(self, logger: Logger | None = None) -> None:
        self.logger = Logger() if logger is None else logger

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """See `Logger.log_metrics`; MLflow's own idea of steps counts there."""
        self.logger.log_metrics(metrics, step)
        self._metrics_to_mlflow(metrics, step)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """See `Logger.log_params`; MLflow is given dotted names where there are dicts."""
        self.logger.log_params(params)
        self._params_to_mlflow(params)

    def __getstate__(self) -> dict[str, Any]:
        """A module cannot be copied or sent; it is loaded again."""
        return {"logger": self.logger}

    @cached_property
    def _mlflow(self) -> Any:
        """The module, loaded at the first use since that takes seconds; ``None`` without it."""
        return None if find_spec("mlflow") is None else import_module("mlflow")

    @harmless
    def _metrics_to_mlflow(self, metrics: Mapping[str, Any], step: int | None) -> None:
        if self._mlflow is not None:
            values = flatten(plain(dict(metrics)))
            self._mlflow.log_metrics(values, step=step)

    @harmless
    def _params_to_mlflow(self, params: Mapping[str, Any]) -> None:
        if self._mlflow is not None:
            self._mlflow.log_params(flatten(plain(dict(params))))
