"""`DAGsHubLogger` as the package ``dagshub`` has it, with the same files byte for byte.

    from git_mlvers import DAGsHubLogger

    logger = DAGsHubLogger()        # without the parentheses, as many tutorials print it, too
    logger.log_hyperparams({"lr": 1e-3})
    logger.log_metrics({"loss": 0.1})

Read from ``dagshub/logger.py`` 0.7.3. Other than there, what was logged is in the file
at once, and nothing raises an exception.
"""

from __future__ import annotations

import contextlib
import functools
import time
from typing import TYPE_CHECKING, Any

from git_mlvers.tracking.files import MetricsFile, write_params
from git_mlvers.tracking.harmless import Guard, harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from git_mlvers.tracking.files import Row


class _OnEither:
    """A method that, called on the class itself, is called on its `default` object."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        functools.update_wrapper(self, call)  # type: ignore[arg-type]

    def __get__(self, obj: DAGsHubLogger | None, owner: type[DAGsHubLogger]) -> Callable[..., Any]:
        return functools.partial(self._call, owner.default() if obj is None else obj)


class DAGsHubLogger:
    """A logger of metrics and hyperparameters; see the module."""

    _default: DAGsHubLogger | None = None
    _making = Guard()

    def __init__(
        self,
        metrics_path: str = "metrics.csv",
        should_log_metrics: bool = True,
        hparams_path: str = "params.yml",
        should_log_hparams: bool = True,
        should_make_dirs: bool = True,
        eager_logging: bool = True,
    ) -> None:
        self.metrics_path = metrics_path
        self.should_log_metrics = should_log_metrics
        self.hparams_path = hparams_path
        self.should_log_hparams = should_log_hparams
        self.should_make_dirs = should_make_dirs
        self.eager_logging = eager_logging
        self.unsaved_metrics: list[tuple[dict[str, Any], int, int]] = []
        self.hparams: dict[str, Any] = {}
        self._file: MetricsFile | None = None
        self._guard = Guard()
        if eager_logging:
            self.save()

    @classmethod
    def default(cls) -> DAGsHubLogger:
        """The object that is meant where only the class was given; made at the first use."""
        with cls._making:
            if cls._default is None:
                cls._default = cls()
            return cls._default

    @_OnEither
    @harmless
    def log_metrics(
        self, metrics: Mapping[str, Any] | None = None, step_num: int = 1, **kwargs: Any
    ) -> None:
        """Append values by name at a step."""
        if self.should_log_metrics:
            values = {**(metrics or {}), **kwargs}
            with self._guard:
                self.unsaved_metrics.append((values, self.epoch_milisec(), step_num))
                if self.eager_logging:
                    self._save_metrics()

    @_OnEither
    @harmless
    def log_hyperparams(self, params: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        """Add hyperparameters; a later dict of one name takes the place of the earlier."""
        if self.should_log_hparams:
            with self._guard:
                self.hparams.update(self.normalize_dictionary_values(params or {}))
                self.hparams.update(self.normalize_dictionary_values(kwargs))
                if self.eager_logging:
                    self._save_hparams()

    @_OnEither
    @harmless
    def save(self) -> None:
        """Write what was not written yet."""
        with self._guard:
            self._save_metrics()
            self._save_hparams()

    @_OnEither
    @harmless
    def save_metrics(self) -> None:
        """The same, of the metrics alone."""
        self._save_metrics()

    @_OnEither
    @harmless
    def save_hparams(self) -> None:
        """The same, of the hyperparameters alone."""
        self._save_hparams()

    @_OnEither
    @harmless
    def close(self) -> None:
        """Close the file of the metrics."""
        with self._guard:
            if self._file is not None:
                self._file.close()

    @staticmethod
    def epoch_milisec() -> int:
        """Milliseconds since 1970."""
        return int(time.time() * 1000)

    @staticmethod
    def normalize_dictionary_values(dictionary: Mapping[str, Any]) -> dict[str, Any]:
        """Dicts as they are, plain numbers too, and anything else as text."""
        normalize = DAGsHubLogger.normalize_dictionary_values
        return {
            key: normalize(value)
            if isinstance(value, dict)
            else value
            if value is None or type(value) in (int, float, bool)
            else str(value)
            for key, value in dictionary.items()
        }

    def _save_metrics(self) -> None:
        if not self.should_log_metrics:
            return
        with self._guard:
            if self._file is None:
                self._file = MetricsFile(self.metrics_path, makes_folders=self.should_make_dirs)
            saved, self.unsaved_metrics = self.unsaved_metrics, []
            rows: list[Row] = [
                (name, value, when, step)
                for values, when, step in saved
                for name, value in values.items()
            ]
            if rows:
                self._file.add(rows)

    def _save_hparams(self) -> None:
        if self.should_log_hparams:
            write_params(self.hparams_path, self.hparams, makes_folders=self.should_make_dirs)


@contextlib.contextmanager
def dagshub_logger(
    metrics_path: str = "metrics.csv",
    should_log_metrics: bool = True,
    hparams_path: str = "params.yml",
    should_log_hparams: bool = True,
    should_make_dirs: bool = True,
    eager_logging: bool = True,
) -> Iterator[DAGsHubLogger]:
    """A `DAGsHubLogger` for a ``with`` statement, saved and closed at its end."""
    logger = DAGsHubLogger(
        metrics_path,
        should_log_metrics,
        hparams_path,
        should_log_hparams,
        should_make_dirs,
        eager_logging,
    )
    try:
        yield logger
    finally:
        logger.save()
        logger.close()
