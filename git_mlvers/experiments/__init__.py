"""Experiments: runs of a pipeline with other params or code, each kept as a commit of its own."""
