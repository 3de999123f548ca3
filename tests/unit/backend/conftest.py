"""Fixtures of the backend's tests."""

from tests.support.s3server import s3

__all__ = ["s3"]
