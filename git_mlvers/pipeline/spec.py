"""One stage of a pipeline file, checked and made a `Stage`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git_mlvers.pipeline.model import DEFAULT_PARAMS, Out, Params, Stage
from git_mlvers.pipeline.paths import is_inside, is_url, normal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.pipeline.model import Kind
    from git_mlvers.pipeline.place import Place

STAGE_KEYS = (
    *("cmd", "wdir", "deps", "params", "outs", "metrics", "plots", "vars"),
    *("frozen", "always_changed", "desc", "meta"),
)
OUT_KEYS = ("cache", "persist", "remote", "push", "desc", "type", "labels", "meta", "checkpoint")
VIEW_KEYS = ("x", "y", "x_label", "y_label", "title", "template", "header")
_KINDS: tuple[tuple[str, Kind], ...] = (("outs", "out"), ("metrics", "metric"), ("plots", "plot"))


def stage(
    name: str, definition: Mapping[str, Any], place: Place, top: str, wdir: str, line: int
) -> Stage:
    """The stage that `definition`, without templates, describes; `wdir` is relative to `top`.

    Raises `PipelineError` with the place of what is wrong.
    """
    read = _Reader(place, top, wdir)
    return Stage(
        name=name,
        file=place.file,
        line=line,
        wdir=wdir,
        cmds=_cmds(definition.get("cmd"), place.at("cmd")),
        deps=read.deps(definition.get("deps")),
        params=read.params(definition.get("params")),
        outs=tuple(
            out for key, kind in _KINDS for out in read.outs(definition.get(key), key, kind)
        ),
        frozen=place.at("frozen").flag(definition.get("frozen", False)),
        always_changed=place.at("always_changed").flag(definition.get("always_changed", False)),
        desc=_optional_text(definition.get("desc"), place.at("desc")),
        meta=_meta(definition.get("meta")),
    )


def working_folder(value: object, place: Place, top: str, folder: str) -> str:
    """The ``wdir`` `value` of a stage in `folder`, relative to `top`; raises `PipelineError`."""
    if value is None:
        return folder
    wdir = normal(top, folder, place.text(value))
    if not is_inside(wdir, "."):
        raise place.error(f"{value} is not in the repository")
    return wdir


def _cmds(value: object, place: Place) -> tuple[str, ...]:
    """A text is one command a line; an item of a list is one command, whatever its lines."""
    if isinstance(value, list):
        found = [place.at(at).text(item) for at, item in enumerate(value)]
    else:
        found = place.text(value).splitlines()
    found = [line for line in found if line.strip()]
    if not found:
        raise place.error("there is no command")
    return tuple(found)


class _Reader:
    """The lists of one stage, with paths relative to its working folder."""

    def __init__(self, place: Place, top: str, wdir: str) -> None:
        self._place = place
        self._top = top
        self._wdir = wdir

    def deps(self, value: object) -> tuple[str, ...]:
        place = self._place.at("deps")
        found: dict[str, None] = {}
        for at, item in enumerate(place.items(value)):
            here = place.at(at)
            path = here.text(item)
            if path.startswith("ds://"):
                raise here.error(
                    "datasets of DVC cannot be dependencies here",
                    "depend on the path of the files themselves",
                )
            found[self._path(path, here)] = None
        return tuple(found)

    def params(self, value: object) -> tuple[Params, ...]:
        """Keys by file in the order of the first mention; a file named whole has no keys."""
        place = self._place.at("params")
        found: dict[str, dict[str, None] | None] = {}
        for at, item in enumerate(place.items(value)):
            here = place.at(at)
            if isinstance(item, str):
                self._add_keys(found, DEFAULT_PARAMS, [item], here)
                continue
            for file, keys in here.mapping(item).items():
                below = here.at(file)
                listed = below.items(keys)
                for position, key in enumerate(listed):
                    below.at(position).text(key)
                self._add_keys(found, file, listed or None, below)
        return tuple(
            Params(path, None if keys is None else tuple(keys)) for path, keys in found.items()
        )

    def _add_keys(
        self,
        found: dict[str, dict[str, None] | None],
        file: str,
        keys: list[str] | None,
        place: Place,
    ) -> None:
        path = self._path(file, place)
        known = found.setdefault(path, {})
        if keys is None:
            found[path] = None
        elif known is not None:
            known.update(dict.fromkeys(keys))

    def outs(self, value: object, name: str, kind: Kind) -> list[Out]:
        place = self._place.at(name)
        found: dict[str, tuple[dict[str, Any], Place]] = {}
        for at, item in enumerate(place.items(value)):
            here = place.at(at)
            if isinstance(item, str):
                found.setdefault(item, ({}, here))
                continue
            for path, flags in here.mapping(item).items():
                below = here.at(path)
                if not isinstance(flags, dict):
                    below.wrong("a mapping of flags", flags)
                found.setdefault(path, ({}, below))[0].update(below.mapping(flags))
        return [self._out(path, flags, kind, here) for path, (flags, here) in found.items()]

    def _out(self, path: str, flags: dict[str, Any], kind: Kind, place: Place) -> Out:
        place.check_keys(flags, OUT_KEYS + VIEW_KEYS if kind == "plot" else OUT_KEYS)
        labels = place.at("labels").items(flags.get("labels"))
        return Out(
            path=self._path(path, place),
            kind=kind,
            cache=place.at("cache").flag(flags.get("cache", True)),
            persist=place.at("persist").flag(flags.get("persist", False)),
            push=place.at("push").flag(flags.get("push", True)),
            remote=_optional_text(flags.get("remote"), place.at("remote")),
            desc=_optional_text(flags.get("desc"), place.at("desc")),
            type=_optional_text(flags.get("type"), place.at("type")),
            labels=tuple(place.at("labels", at).text(item) for at, item in enumerate(labels)),
            meta=_meta(flags.get("meta")),
            view={key: flags[key] for key in VIEW_KEYS if key in flags} or None,
        )

    def _path(self, path: str, place: Place) -> str:
        if not path.strip():
            raise place.error("the path is empty")
        if "\0" in path or "\n" in path:
            raise place.error("a path cannot have line ends in it")
        return path if is_url(path) else normal(self._top, self._wdir, path)


def _optional_text(value: object, place: Place) -> str | None:
    return None if value is None else place.text(value)


def _meta(value: object) -> Mapping[str, object] | None:
    if value is None:
        return None
    return value if isinstance(value, dict) else {"": value}
