"""git-mlvers: large files, pipelines and experiments in plain Git.

For a training, `log_params`, `log_metrics`, `Logger`, `BaseLogger`, and `DAGsHubLogger`
with `dagshub_logger`; each is loaded when it is asked for.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true; importing typing takes too long here
if TYPE_CHECKING:
    from git_mlvers.tracking.both import BaseLogger as BaseLogger
    from git_mlvers.tracking.dagshub import DAGsHubLogger as DAGsHubLogger
    from git_mlvers.tracking.dagshub import dagshub_logger as dagshub_logger
    from git_mlvers.tracking.logger import Logger as Logger
    from git_mlvers.tracking.logger import log_metrics as log_metrics
    from git_mlvers.tracking.logger import log_params as log_params

__version__ = "0.1.0"

_LOGGERS = {
    "BaseLogger": "both",
    "DAGsHubLogger": "dagshub",
    "Logger": "logger",
    "dagshub_logger": "dagshub",
    "log_metrics": "logger",
    "log_params": "logger",
}

__all__ = ["__version__", *_LOGGERS]


def __getattr__(name: str) -> object:
    if name not in _LOGGERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"git_mlvers.tracking.{_LOGGERS[name]}"), name)
