"""Pipelines: stages as ``dvc.yaml`` describes them, and what runs them.

`model` is what a pipeline file says, `source` where files are read from (the
working tree or a commit). Paths are relative to the top of the working tree,
with ``/``, unless they lead out of it.
"""
