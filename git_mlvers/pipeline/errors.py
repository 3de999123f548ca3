"""What is wrong with a pipeline."""

from __future__ import annotations

from git_mlvers.errors import MlversError


class PipelineError(MlversError):
    """A pipeline file cannot be used, or its stages do not fit together."""


class TargetError(PipelineError):
    """There is no stage and no output of the name that was given."""
