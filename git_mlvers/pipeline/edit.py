"""Changes to pipeline files that leave everything else as it is written: order, remarks, style.

Content comes in and goes out; nothing is written here.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from git_mlvers.pipeline import splice
from git_mlvers.pipeline.errors import PipelineError
from git_mlvers.pipeline.place import hint_near
from git_mlvers.values.errors import ValuesError
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
    data = data or b""

    def change(content: dict[str, Any]) -> None:
        if content.get("stages") is None:
            content["stages"] = {}
        stages = _mapping(content["stages"], f"stages in {file}")
        if name in stages and not force:
            raise PipelineError(
                f"there is a stage {name!r} in {file} already", "--force replaces it"
            )
        stages[name] = dict(definition)

    def spliced() -> bytes | None:
        yaml = _writer(data)
        yaml.explicit_start = False
        entry = _dumped(yaml, {name: dict(definition)}).decode()
        return splice.put(data, ["stages"], name, entry)

    return _changed(data, file, change, spliced)


def set_frozen(data: bytes, file: str, name: str, frozen: bool) -> bytes:
    """The content `data` of `file` with the stage or loop `name` frozen, or not.

    Raises `PipelineError` when there is none, or it is one turn of a loop.
    """
    path = ["stages", name]

    def change(content: dict[str, Any]) -> None:
        stages = _mapping(content.get("stages") or {}, f"stages in {file}")
        group = name.partition("@")[0]
        if name not in stages and group in stages:
            raise PipelineError(
                f"{name!r} is one stage of a loop, and only the whole loop can be frozen or not",
                f"name the loop: {group}",
            )
        if name not in stages:
            raise PipelineError(f"there is no stage {name!r} in {file}", hint_near(name, stages))
        stage = _mapping(stages[name], f"stage {name!r} in {file}")
        if "foreach" in stage:
            path[2:] = ["do"]
            stage = _mapping(stage["do"], f"stage {name!r} in {file}")
        if frozen:
            stage["frozen"] = True
        else:
            stage.pop("frozen", None)

    def spliced() -> bytes | None:
        if frozen:
            return splice.put(data, path, "frozen", "frozen: true")
        return splice.drop(data, path, "frozen")

    return _changed(data, file, change, spliced)


def _mapping(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PipelineError(f"{name} is not a mapping")
    return value


def _changed(
    data: bytes,
    file: str,
    change: Callable[[dict[str, Any]], None],
    spliced: Callable[[], bytes | None],
) -> bytes:
    """`data` changed, by lines if that can be done, else written anew with its remarks."""
    before = load(data, file)
    if before is None:
        # With ruamel.yaml, remarks in a file without values would be lost.
        wanted: Any = {}
        change(wanted)
        head = data if not data or data.endswith(b"\n") else data + b"\n"
        return head + _dumped(_writer(b""), wanted)
    wanted = load(data, file)
    change(_mapping(wanted, file))
    if wanted == before:
        return data
    for way in (spliced, lambda: rewritten(data, change)):
        try:
            result = way()
            if result is not None and load(result, file) == wanted:
                return result
        except (ValuesError, UnicodeDecodeError):
            pass  # The next way may do, and else the user is told.
    raise PipelineError(
        f"{file} cannot be changed without changing more than was asked for",
        "change it with an editor",
    )


def rewritten(data: bytes, change: Callable[[dict[str, Any]], None]) -> bytes | None:
    """`data` with the change; ``None`` where ruamel.yaml, which keeps the style, cannot read it."""
    from ruamel.yaml.error import YAMLError

    try:
        yaml = _writer(data)
        content = yaml.load(data.decode("utf-8-sig"))
        change(content)
        result = _dumped(yaml, content)
    except YAMLError:
        return None
    return result.replace(b"\n", b"\r\n") if b"\r\n" in data else result


def _writer(data: bytes) -> Any:
    """A reader and writer that keeps the indentation of `data`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.util import load_yaml_guess_indent

    yaml = YAML()
    yaml.default_flow_style = False
    yaml.preserve_quotes = True
    yaml.width = _NEVER_WRAP
    if data:
        try:
            *_, offset = load_yaml_guess_indent(data.decode("utf-8-sig"), yaml=YAML())
        except YAMLError:
            offset = None
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
