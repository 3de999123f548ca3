"""Which experiment a word means: its name, ``exp-1a2b3``, the id of its commit, or its ref."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError
from git_mlvers.experiments import refs
from git_mlvers.git import refs as git_refs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_mlvers.experiments.refs import Experiment
    from git_mlvers.git.repository import Repository

_SHORTEST = 4
_HEX = frozenset("0123456789abcdef")


class UnknownExperiment(MlversError):
    """No experiment is called so, or several are; `near` is a name that is like it."""

    near: str | None = None


class Ambiguous(UnknownExperiment):
    """Several experiments are called so."""


def find(repo: Repository, word: str) -> Experiment:
    """The experiment that `word` means; raises `UnknownExperiment`.

    Of several with one name, that of the commit that is checked out counts.
    """
    return find_all(repo, [word])[0]


def find_all(repo: Repository, words: Iterable[str]) -> list[Experiment]:
    """The same for several, each once, in the order of `words`."""
    return chosen(repo, refs.everywhere(repo), words)


def chosen(repo: Repository, known: Sequence[Experiment], words: Iterable[str]) -> list[Experiment]:
    """The same among experiments that are `known`."""
    return list(dict.fromkeys(_chosen(repo, known, word) for word in words))


def _chosen(repo: Repository, known: Sequence[Experiment], word: str) -> Experiment:
    found = [each for each in known if word in (each.name, each.ref)]
    if not found:
        found = [each for each in known if _has_id(each, word)]
    if len(found) > 1:
        head = git_refs.head(repo)
        found = [each for each in found if each.baseline == head] or found
    if len({each.commit for each in found}) > 1:
        which = ", ".join(sorted(each.short for each in found))
        raise Ambiguous(f"several experiments are called {word!r}", f"say which: {which}")
    if not found:
        near = _near(known, word)
        hint = "git mlvers exp list" if near is None else f"did you mean {near}?"
        error = UnknownExperiment(f"there is no experiment {word!r}", hint)
        error.near = near
        raise error
    return found[0]


def _has_id(experiment: Experiment, word: str) -> bool:
    digits = word.removeprefix("exp-").lower()
    return (
        len(digits) >= _SHORTEST
        and _HEX.issuperset(digits)
        and experiment.commit.startswith(digits)
    )


def _near(known: Iterable[Experiment], word: str) -> str | None:
    import difflib

    near = difflib.get_close_matches(word, [each.name for each in known], n=1)
    return near[0] if near else None
