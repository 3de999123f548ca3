"""Paths as pipeline files and users write them, made relative to the top of the working tree."""

from __future__ import annotations

import posixpath


def is_url(path: str) -> bool:
    """Whether `path` is an address, ``s3://bucket/file``, and not a path."""
    return "://" in path


def normal(top: str, folder: str, path: str) -> str:
    """`path`, written in `folder`, relative to `top`; ``.`` for the top itself.

    `folder` is relative to `top` or absolute. What leads out of `top` comes out
    absolute, and a URL as it is.
    """
    if is_url(path):
        return path
    if "." not in path and "//" not in path and path[:1] not in ("/", "") and path[-1] != "/":
        return path if folder in (".", "") else f"{folder}/{path}"  # by far the most
    joined = posixpath.normpath(posixpath.join(folder or ".", path))
    if joined.startswith("/"):
        return relative(top, joined)
    if joined == ".." or joined.startswith("../"):
        return posixpath.normpath(posixpath.join(top, joined))
    return joined


def relative(top: str, path: str) -> str:
    """An absolute `path` relative to `top` if it is in there, else as it is."""
    if path == top:
        return "."
    return path.removeprefix(top.rstrip("/") + "/")


def folder_of(path: str) -> str:
    """The folder that the file `path` is in; ``.`` for the top."""
    return posixpath.dirname(path) or "."


def is_inside(path: str, folder: str) -> bool:
    """Whether `path` is `folder`, or below it."""
    if folder == ".":
        return not path.startswith("/") and not is_url(path)
    return path == folder or path.startswith(folder + "/")
