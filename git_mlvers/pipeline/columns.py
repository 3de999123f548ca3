"""Which columns of which files a plot shows, and the points in them."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.view.plots.chart import Point, real

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from git_mlvers.values.tabular import Row

INDEX = "step"
"""What an axis is called that counts the rows."""

_DAGSHUB_X = "Step"


class Column(NamedTuple):
    """One column of a file."""

    file: str
    name: str


class Columns(NamedTuple):
    """The columns of a plot; the x of each y, or ``None`` for the number of the row."""

    ys: tuple[Column, ...]
    xs: tuple[Column | None, ...]

    @classmethod
    def choose(
        cls, name: str, view: Mapping[str, Any], rows: Mapping[str, Sequence[Row]]
    ) -> Columns:
        """The columns that `view` names for the plot `name`; raises `MlversError`.

        Without a y it is the last column, as for DVC; of DagsHub's logger all.
        """
        x, y = view.get("x"), view.get("y")
        if y is None and x is None and _DAGSHUB_X in rows[name][0]:
            x, y = _DAGSHUB_X, _numeric(rows[name])
        if y is None:
            y = list(rows[name][0])[-1]
        ys = tuple(_listed(y, name))
        xs = cls._of_x(x, ys)
        for column in (*ys, *(column for column in xs if column is not None)):
            _check(column, rows[column.file])
        return cls(ys, xs)

    @staticmethod
    def _of_x(x: object, ys: tuple[Column, ...]) -> tuple[Column | None, ...]:
        if x is None:
            return tuple(None for _ in ys)
        if isinstance(x, dict):
            xs = tuple(_listed(x, ""))
            if len(xs) == 1:
                return xs * len(ys)
            if len(xs) != len(ys):
                raise MlversError(f"a plot has {len(xs)} columns for x, and {len(ys)} for y")
            return xs
        return tuple(Column(column.file, str(x)) for column in ys)

    @property
    def x_label(self) -> str:
        """What the axis is called: as the column, if there is one."""
        names = {INDEX if column is None else column.name for column in self.xs}
        return names.pop() if len(names) == 1 else "x"

    @property
    def y_label(self) -> str:
        """What the axis is called: as the column, if there is one."""
        names = {column.name for column in self.ys}
        return names.pop() if len(names) == 1 else "y"

    def points(self, rows: Mapping[str, Sequence[Row]], rev: str) -> Iterator[Point]:
        """All points of a revision, column by column; raises `MlversError`."""
        for x, y in zip(self.xs, self.ys, strict=True):
            of_y = rows[y.file]
            of_x = of_y if x is None else rows[x.file]
            if len(of_x) != len(of_y):
                assert x is not None
                raise MlversError(
                    f"{y.file} has {len(of_y)} rows and {x.file} has {len(of_x)},"
                    f" so {y.name} cannot be drawn over {x.name}"
                )
            for at, (row_x, row_y) in enumerate(zip(of_x, of_y, strict=True)):
                if y.name in row_y:
                    value = at if x is None else row_x.get(x.name)
                    yield Point(value, row_y[y.name], rev, y.file, y.name)


def needed(name: str, view: Mapping[str, Any]) -> list[str]:
    """The files that have the data of the plot `name`."""
    files: list[str] = []
    for axis in ("y", "x"):
        value = view.get(axis)
        if isinstance(value, dict):
            files += value
        elif axis == "y":
            files.append(name)
    return list(dict.fromkeys(files))


def _listed(value: object, file: str) -> Iterator[Column]:
    if isinstance(value, dict):
        for path, names in value.items():
            yield from _listed(names, path)
    elif isinstance(value, list):
        yield from map(Column, repeat(file), map(str, value))
    else:
        yield Column(file, str(value))


def _numeric(rows: Sequence[Row]) -> list[str]:
    names = dict.fromkeys(name for row in rows for name in row)
    return [
        name
        for name in names
        if name != _DAGSHUB_X and any(real(row.get(name)) is not None for row in rows)
    ]


def _check(column: Column, rows: Sequence[Row]) -> None:
    names = dict.fromkeys(name for row in rows for name in row)
    if column.name not in names:
        there = ", ".join(list(names)[:10])
        raise MlversError(f"{column.file} has no column {column.name!r}; it has {there}")
