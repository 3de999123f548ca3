"""Options of one configured remote that serve other addresses in the same store.

So that ``git config --global mlvers.remote.NAME.url s3://bucket`` and its
endpoint, region or keys serve ``git clone mlvers::s3://bucket/repo`` as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.backend.url import BadAddress, Location, parse
from git_mlvers.config.committed import split_remote_key
from git_mlvers.config.remotes import PLAIN_OPTIONS, SECRET_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_mlvers.config.values import Value

_SAME = {"ssh": "sftp"}


def options_for(git: Mapping[str, Sequence[Value]], url: str) -> dict[str, str]:
    """The options for `url` among the values `git` of git config, by lower-case key.

    They are those of the remote whose address is `url` or the nearest place
    above it; of two at the same place, the later by name. `git` must not have
    what a committed file says: that would send the user's keys where it pleases.
    """
    best, name = -1, ""
    for key in sorted(git):
        part = split_remote_key(key)
        if part is None or part[1] != "url":
            continue
        depth = covers(git[key][-1].text or "", url)
        if depth is not None and depth >= best:
            best, name = depth, part[0]
    if best < 0:
        return {}
    found = {}
    for option in (*PLAIN_OPTIONS, *SECRET_OPTIONS):
        values = git.get(f"mlvers.remote.{name}.{option}")
        if values and (text := values[-1].text):
            found[option] = text
    return found


def covers(above: str, url: str) -> int | None:
    """How many names deep in its store `above` is, when `url` is there or below it; else ``None``.

    Directories of this machine have no options, and cover nothing.
    """
    try:
        one, other = parse(above), parse(url)
    except BadAddress:
        return None
    if not one.scheme or _host(one) != _host(other):
        return None
    if one.user is not None and one.user != other.user:
        return None
    upper, lower = _names(one), _names(other)
    return len(upper) if lower[: len(upper)] == upper else None


def _host(place: Location) -> tuple[str, str, int | None]:
    return _SAME.get(place.scheme, place.scheme), place.host, place.port


def _names(place: Location) -> list[str]:
    return place.path.split("/") if place.path else []
