"""Logging params and metrics from a training, into open files that every commit records.

    from git_mlvers import log_params, log_metrics

    log_params({"lr": 1e-3, "layers": 42})
    for epoch in range(10):
        log_metrics({"loss": loss, "accuracy": accuracy})

No Git is started and no network used: ``metrics.csv`` and ``params.yml`` are files
like any other, and `git mlvers metrics show` reads them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from git_mlvers.tracking.files import MetricsFile, write_params
from git_mlvers.tracking.harmless import Guard, harmless
from git_mlvers.tracking.plain import plain
from git_mlvers.values.nested import flatten

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

METRICS, PARAMS = "metrics.csv", "params.yml"


class Logger:
    """Writes metrics and params of one run; used from any thread.

    The files are begun anew at the first call, or gone on with to `resume`. None of the
    methods raises anything: what cannot be logged is told once, as a warning.
    """

    def __init__(self, metrics: str = METRICS, params: str = PARAMS, *, resume: bool = False):
        self._metrics_path = metrics
        self._params_path = params
        self._resume = resume
        self._file: MetricsFile | None = None
        self._params: dict[str, Any] | None = None
        self._steps: dict[str, int] = {}
        self._guard = Guard()

    @harmless
    def log_metrics(
        self, metrics: Mapping[str, Any] | None = None, step: int | None = None, **more: Any
    ) -> None:
        """Append values by name, at `step`, or at the next step of each name from 1 on.

        A dict in the dict gives dotted names.
        """
        values = flatten(plain({**(metrics or {}), **more}))
        now = int(time.time() * 1000)
        with self._guard:
            if self._file is None:
                self._file = MetricsFile(self._metrics_path, resume=self._resume)
            rows = []
            for name, value in values.items():
                at = self._steps.get(name, 0) + 1 if step is None else step
                self._steps[name] = at
                rows.append((name, value, now, at))
            self._file.add(rows)

    @harmless
    def log_params(self, params: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Add params by name, which may be dicts of further ones; a later value counts."""
        values = plain({**(params or {}), **more})
        with self._guard:
            known = self._known() if self._params is None else self._params
            self._params = _merged(known, values)
            write_params(self._params_path, self._params)

    @harmless
    def close(self) -> None:
        """Close the files; `log_metrics` goes on with them if it is called again."""
        with self._guard:
            if self._file is not None:
                self._file.close()
                self._file, self._resume = None, True

    def __getstate__(self) -> dict[str, Any]:
        """In a copy, or in the process that it is sent to, it goes on with the same file."""
        resume = self._resume or self._file is not None
        return {**self.__dict__, "_file": None, "_resume": resume}

    def __enter__(self) -> Logger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _known(self) -> dict[str, Any]:
        if not self._resume:
            return {}
        import yaml

        try:
            with open(self._params_path, encoding="utf-8") as file:
                found = yaml.safe_load(file)
        except FileNotFoundError:
            return {}
        return found if isinstance(found, dict) else {}


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(old)
    for key, value in new.items():
        before = found.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            value = _merged(before, value)
        found[key] = value
    return found


_default: Logger | None = None
_making = Guard()


def default() -> Logger:
    """The logger of this process for the folder that it is in at the first call."""
    global _default
    with _making:
        if _default is None:
            _default = Logger()
        return _default


def log_metrics(
    metrics: Mapping[str, Any] | None = None, step: int | None = None, **more: Any
) -> None:
    """`Logger.log_metrics` of the `default` logger."""
    default().log_metrics(metrics, step, **more)


def log_params(params: Mapping[str, Any] | None = None, **more: Any) -> None:
    """`Logger.log_params` of the `default` logger."""
    default().log_params(params, **more)
