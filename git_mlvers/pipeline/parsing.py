"""One pipeline file: YAML, templates and loops, made a `Pipeline`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from git_mlvers.pipeline import loops, spec, toplevel
from git_mlvers.pipeline.model import Pipeline, Stage
from git_mlvers.pipeline.paths import folder_of
from git_mlvers.pipeline.place import Place, hint_near
from git_mlvers.pipeline.template import TemplateError, resolve
from git_mlvers.pipeline.vars import Scope
from git_mlvers.values.yaml_memo import load_marked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git_mlvers.pipeline.vars import Reader


class PipelineFile:
    """A pipeline file being read; `warnings` says what was passed over."""

    def __init__(self, file: str, data: bytes, reader: Reader) -> None:
        value, lines = load_marked(data, file)
        self._place = Place(file, lines)
        self._top = reader.top
        self._folder = folder_of(file)
        self._reader = reader
        self._content = self._place.mapping(value)
        # Params files are read for templates alone, and to see what vars redefine.
        self._templated = b"${" in data or b"vars" in data
        self.file = file
        self.warnings: list[str] = []

    def pipeline(self) -> Pipeline:
        """What the file says; raises `PipelineError`."""
        self._warn_of_unknown()
        found: dict[str, Stage] = {}
        for stage in self._stages():
            if stage.name in found:
                place = self._place.at("stages", stage.name)
                raise place.error("two stages have this name")
            found[stage.name] = stage
        where = (self._top, self._folder)
        return Pipeline(
            file=self.file,
            stages=found,
            params=toplevel.files(*self._section("params"), *where),
            metrics=toplevel.files(*self._section("metrics"), *where),
            plots=toplevel.plots(*self._section("plots"), *where),
            artifacts=toplevel.artifacts(*self._section("artifacts"), *where),
            vars=tuple(self._scope.loaded) if self._templated else (),
        )

    def _warn_of_unknown(self) -> None:
        for key in self._content:
            # What begins with x- is there for anchors, as in other tools.
            if key not in toplevel.TOP_KEYS and not key.startswith("x-"):
                line, hint = self._place.at(key).line, hint_near(key, toplevel.TOP_KEYS)
                tail = f" ({hint})" if hint else ""
                self.warnings.append(f"{self.file}, line {line}: {key!r} is not known{tail}")

    def _section(self, name: str) -> tuple[Any, Place]:
        place = self._place.at(name)
        return self._resolved(self._content.get(name), place, free=True), place

    @cached_property
    def _scope(self) -> Scope:
        """What templates of the whole file can name; read when the first one asks."""
        scope = Scope(self._reader)
        scope.load_default(self.file)
        scope.load(self._content.get("vars"), self._place.at("vars"), self._folder)
        return scope

    def _stages(self) -> Iterator[Stage]:
        place = self._place.at("stages")
        for name, value in place.mapping(self._content.get("stages")).items():
            here = place.at(name)
            if value is None:
                here.wrong("a stage", value)
            definition = here.mapping(value)
            if loops.is_loop(definition):
                yield from self._loop(name, definition, here)
            else:
                here.check_keys(definition, (*spec.STAGE_KEYS, loops.FOREACH, loops.MATRIX))
                yield self._stage(name, definition, here, self._known_scope())

    def _loop(self, name: str, definition: dict[str, Any], place: Place) -> Iterator[Stage]:
        inner, here = definition, place
        if loops.MATRIX in definition:
            place.check_keys(definition, (*spec.STAGE_KEYS, loops.MATRIX))
        else:
            place.check_keys(definition, (loops.FOREACH, loops.DO))
            for key in (loops.FOREACH, loops.DO):
                if key not in definition:
                    raise place.error(f"{loops.FOREACH} and {loops.DO} need each other")
            here = place.at(loops.DO)
            inner = here.mapping(definition[loops.DO])
            here.check_keys(inner, spec.STAGE_KEYS)
        inner = {key: value for key, value in inner.items() if key != loops.MATRIX}
        scope = self._scope
        self._warn_of_hidden(name, definition, scope)
        for turn in loops.turns(definition, place, scope.values):
            own = scope.copy()
            own.values.update(turn.sets)
            made = f"{name}@{turn.suffix}"
            shown = here._replace(shown=f"stages.{made}")
            stage = self._stage(made, inner, shown, own, tuple(turn.sets))
            yield stage._replace(line=place.line)

    def _warn_of_hidden(self, name: str, definition: Mapping[str, Any], scope: Scope) -> None:
        is_list = isinstance(definition.get(loops.FOREACH), list)
        for word in (loops.ITEM,) if is_list else (loops.ITEM, loops.KEY):
            if word in scope.values:
                self.warnings.append(
                    f"{self.file}: {word!r} of params or vars is hidden in the loop {name!r}"
                )

    def _known_scope(self) -> Scope | None:
        return self._scope if self._templated else None

    def _stage(
        self,
        name: str,
        definition: Mapping[str, Any],
        place: Place,
        scope: Scope | None,
        reserved: tuple[str, ...] = (),
    ) -> Stage:
        where = place.at("wdir")
        raw = self._resolved(definition.get("wdir"), where, scope)
        wdir = spec.working_folder(raw, where, self._top, self._folder)
        if scope is not None and "vars" in definition:
            scope = scope.copy()
            scope.load(definition["vars"], place.at("vars"), wdir, reserved)
        given = {
            key: self._resolved(value, place.at(key), scope, cmd=key == "cmd")
            for key, value in definition.items()
            if key not in ("wdir", "vars")
        }
        if "cmd" not in given:
            raise place.error("there is no cmd")
        return spec.stage(name, given, place, self._top, wdir, place.line)

    def _resolved(
        self,
        value: object,
        place: Place,
        scope: Scope | None = None,
        *,
        free: bool = False,
        cmd: bool = False,
    ) -> Any:
        if not self._templated:
            return value
        names = self._scope if scope is None else scope
        try:
            return resolve(value, names.values, free=free, cmd=cmd)
        except TemplateError as error:
            raise place.error(error.message, error.hint) from None
