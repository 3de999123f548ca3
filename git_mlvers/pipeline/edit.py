"""Changes to pipeline files that leave everything else as it is written: order, remarks, style.

Content comes in and goes out; nothing is written here.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from git_mlvers.pipeline.errors import PipelineError
from git_mlvers.pipeline.place import hint_near
from git_mlvers.values.yaml12 import load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NEVER_WRAP = 1 << 20


def put_stage(
    data: bytes | None, file: str, name: str, definition: Mapping[str, Any], *, force: bool
) -> bytes:
    """The content `data` of `file` (``None`` for a new one) with the stage `name`.

    Raises `PipelineError` when there is one of this name and `force` does not let it
    be replaced, and `ValuesError` for a file that cannot be read.
    """

    def change(content: dict[str, Any]) -> None:
        if content.get("stages") is None:
            content["stages"] = {}
        stages = content["stages"]
        if name in stages and not force:
            raise PipelineError(
                f"there is a stage {name!r} in {file} already", "--force replaces it"
            )
        stages[name] = dict(definition)

    return _changed(data or b"", file, change)


def set_frozen(data: bytes, file: str, name: str, frozen: bool) -> bytes:
    """The content `data` of `file` with the stage or loop `name` frozen, or not.

    Raises `PipelineError` when there is none, or it is one turn of a loop.
    """

    def change(content: dict[str, Any]) -> None:
        stages = content.get("stages") or {}
        group = name.partition("@")[0]
        if name not in stages and group in stages:
            raise PipelineError(
                f"{name!r} is one stage of a loop, and only the whole loop can be frozen or not",
                f"name the loop: {group}",
            )
        if name not in stages:
            raise PipelineError(f"there is no stage {name!r} in {file}", hint_near(name, stages))
        stage = stages[name]
        stage = stage["do"] if "foreach" in stage else stage
        if frozen:
            stage["frozen"] = True
        else:
            stage.pop("frozen", None)

    return _changed(data, file, change)


def _changed(data: bytes, file: str, change: Callable[[dict[str, Any]], None]) -> bytes:
    before = load(data, file)
    if before is None:
        # With ruamel.yaml, remarks in a file without values would be lost.
        wanted: Any = {}
        change(wanted)
        head = data if not data or data.endswith(b"\n") else data + b"\n"
        return head + _dumped(_writer(b""), wanted)
    if not isinstance(before, dict):
        raise PipelineError(f"{file} does not hold a mapping")
    change(before)
    yaml = _writer(data)
    content = yaml.load(data.decode("utf-8-sig"))
    change(content)
    result = _dumped(yaml, content)
    if b"\r\n" in data:
        result = result.replace(b"\n", b"\r\n")
    if load(result, file) != before:
        raise PipelineError(
            f"{file} cannot be changed without changing more than was asked for",
            "change it with an editor",
        )
    return result


def _writer(data: bytes) -> Any:
    """A reader and writer that keeps the indentation of `data`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.util import load_yaml_guess_indent

    yaml = YAML()
    yaml.default_flow_style = False
    yaml.preserve_quotes = True
    yaml.width = _NEVER_WRAP
    if data:
        *_, offset = load_yaml_guess_indent(data.decode("utf-8-sig"), yaml=YAML())
        offset = offset or 0
        yaml.indent(mapping=_mapping_indent(data) or 2, sequence=offset + 2, offset=offset)
        yaml.explicit_start = data.lstrip().startswith(b"---")
    return yaml


def _mapping_indent(data: bytes) -> int | None:
    """How far the first key below ``stages`` is indented."""
    lines = iter(data.decode("utf-8-sig").splitlines())
    if not any(line.rstrip().startswith("stages:") for line in lines):
        return None
    for line in lines:
        text = line.lstrip(" ")
        if text and not text.startswith("#"):
            return len(line) - len(text) or None
    return None


def _dumped(yaml: Any, content: Any) -> bytes:
    out = io.BytesIO()
    yaml.dump(content, out)
    return out.getvalue()
