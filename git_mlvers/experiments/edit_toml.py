"""One value changed in a TOML file, by tomlkit, which keeps remarks and style."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.experiments import edit

if TYPE_CHECKING:
    from git_mlvers.experiments.edit import Change


def _by_tomlkit(data: bytes, change: Change) -> bytes | None:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        content = tomlkit.parse(data.decode("utf-8-sig"))
        edit.put(content, change)
        result: str = tomlkit.dumps(content)
    except (TOMLKitError, ValueError, TypeError):
        return None  # TOML has no null, for one
    return result.encode()


WAYS = (_by_tomlkit,)
