"""What stands beside the stages of a pipeline file: params, metrics, plots and artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git_mlvers.pipeline.model import Plot
from git_mlvers.pipeline.paths import normal

if TYPE_CHECKING:
    from git_mlvers.pipeline.place import Place

TOP_KEYS = ("stages", "vars", "params", "metrics", "plots", "artifacts", "datasets")
_PLOT_KEYS = ("x", "y", "x_label", "y_label", "title", "template")
_ARTIFACT_KEYS = ("path", "type", "desc", "labels", "meta")


def files(value: object, place: Place, top: str, folder: str) -> tuple[str, ...]:
    """A list of params or metrics files, relative to `top`."""
    texts = [place.at(at).text(item) for at, item in enumerate(place.items(value))]
    return tuple(normal(top, folder, path) for path in texts)


def plots(value: object, place: Place, top: str, folder: str) -> tuple[Plot, ...]:
    """Plots: a path, or a name or path with how it is drawn."""
    if isinstance(value, dict):  # as DVC 2 wrote it
        value = [{key: view} for key, view in value.items()]
    found: list[Plot] = []
    for at, item in enumerate(place.items(value)):
        here = place.at(at)
        if isinstance(item, str):
            found.append(Plot(normal(top, folder, item), {}))
            continue
        for name, view in here.mapping(item).items():
            found.append(_plot(name, here.at(name).mapping(view), here.at(name), top, folder))
    return tuple(found)


def artifacts(value: object, place: Place, top: str, folder: str) -> dict[str, dict[str, object]]:
    """Artifacts by name; each has a path."""
    found: dict[str, dict[str, object]] = {}
    for name, item in place.mapping(value).items():
        here = place.at(name)
        described = here.mapping(item)
        here.check_keys(described, _ARTIFACT_KEYS)
        path = here.at("path").text(described.get("path"))
        found[name] = {**described, "path": normal(top, folder, path)}
    return found


def _plot(name: str, view: dict[str, Any], place: Place, top: str, folder: str) -> Plot:
    """One plot. Where x or y names files, its name is only a name; else it is the file."""
    place.check_keys(view, _PLOT_KEYS)
    shown = dict(view)
    for axis in ("x", "y"):
        columns = view.get(axis)
        if isinstance(columns, dict):
            checked = place.at(axis).mapping(columns)
            shown[axis] = {normal(top, folder, path): names for path, names in checked.items()}
    if isinstance(view.get("y"), dict):
        return Plot(name, shown)
    return Plot(normal(top, folder, name), shown)
