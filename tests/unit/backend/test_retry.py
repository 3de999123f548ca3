"""What is sent again, what is not, and when it is enough."""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING

import pytest

from git_mlvers.backend import retry
from git_mlvers.backend.base import (
    BackendError,
    Conflict,
    Entry,
    Forbidden,
    KeyMissing,
    StoreFull,
    Unreachable,
)
from git_mlvers.backend.directory import Directory
from git_mlvers.backend.patience import Patience
from git_mlvers.backend.retry import Retrying
from git_mlvers.backend.wrapper import Wrapper
from tests.support.faulty import Call, Dropping, FailForever, FailOnce, Meddler, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from git_mlvers.backend.base import Backend

VERBS: dict[str, Callable[[Backend], object]] = {
    "get": lambda store: store.get("key"),
    "put": lambda store: store.put("key", b"x"),
    "create": lambda store: store.create("other", b"x"),
    "get_versioned": lambda store: store.get_versioned("key"),
    "stat": lambda store: store.stat("key"),
    "list": lambda store: list(store.list("")),
    "delete": lambda store: store.delete("key"),
}
# No attempt counts for more than a fifth of it, so there is time for several on any machine.
BRIEF = Patience(silence=0.01, unknown=0.05, total=0.1)


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    """A store with one object, ``key``."""
    store = Directory(str(tmp_path / "store"), fsync=False)
    store.put("key", b"content")
    return store


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of some ms."""
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.01)


@pytest.mark.parametrize("verb", VERBS)
def test_a_transient_failure_is_not_noticed(directory: Directory, verb: str) -> None:
    recorder = Recorder(FailOnce(directory, verb))
    VERBS[verb](Retrying(recorder, BRIEF))
    assert [call.verb for call in recorder.calls] == [verb, verb]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", [KeyMissing, Forbidden, Conflict, StoreFull, BackendError])
def test_what_is_said_for_good_is_passed_on_at_once(
    directory: Directory, verb: str, kind: type[BackendError]
) -> None:
    said = kind("for good", "a hint")
    recorder = Recorder(FailForever(directory, verb, error=said))
    with pytest.raises(kind) as caught:
        VERBS[verb](Retrying(recorder, BRIEF))
    assert caught.value is said
    assert len(recorder.calls) == 1


@pytest.mark.parametrize("verb", VERBS)
def test_it_gives_up_and_says_how_often_it_tried(directory: Directory, verb: str) -> None:
    recorder = Recorder(FailForever(directory, verb, error=Unreachable("it is gone", "a hint")))
    with pytest.raises(Unreachable) as caught:
        VERBS[verb](Retrying(recorder, BRIEF))
    tries = len(recorder.calls)
    assert tries > 1
    assert caught.value.message.startswith(f"it is gone; tried {tries} times in ")
    assert caught.value.hint == "a hint"
    assert caught.value.transient


class FailThrice(Meddler):
    """Fails to read three times."""

    left = 3

    def before(self, call: Call) -> None:
        """Fail, if it is time to."""
        if call.verb == "get" and self.left:
            self.left -= 1
            raise Unreachable("not now")


def test_a_store_that_has_answered_before_gets_more_patience(directory: Directory) -> None:
    patience = Patience(unknown=0, total=60)
    with pytest.raises(Unreachable):
        Retrying(FailThrice(directory), patience).get("key")
    known = Retrying(FailThrice(directory), patience)
    known.stat("key")
    assert known.get("key") == b"content"
    denying = Retrying(FailThrice(FailForever(directory, "stat", error=Forbidden("no"))), patience)
    with pytest.raises(Forbidden):
        denying.stat("key")
    assert denying.get("key") == b"content"


def test_a_long_attempt_counts_as_the_silence_alone(directory: Directory) -> None:
    class Slow(Meddler):
        def before(self, call: Call) -> None:
            time.sleep(0.2)

    Retrying(Slow(FailOnce(directory, "put")), BRIEF).put("key", b"new")
    assert directory.get("key") == b"new"


def test_a_lost_answer_to_create_may_look_like_another_writer(directory: Directory) -> None:
    store = Retrying(Dropping(directory, "create"), BRIEF)
    assert store.create("new", b"mine") is False
    assert store.get("new") == b"mine"


def test_a_lost_answer_to_replace_may_look_like_a_conflict(directory: Directory) -> None:
    store = Retrying(Dropping(directory, "replace"), BRIEF)
    _, token = store.get_versioned("key")
    with pytest.raises(Conflict):
        store.replace("key", b"mine", token)
    assert store.get("key") == b"mine"


class Breaking(Wrapper):
    """A list that breaks off after each of the numbers in `after`."""

    def __init__(self, inner: Backend, after: list[int]) -> None:
        super().__init__(inner)
        self.after = after

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        yield from itertools.islice(self.inner.list(prefix), self.after[0] if self.after else None)
        if self.after:
            self.after.pop(0)
            raise Unreachable("broken off")


def test_a_list_that_breaks_off_goes_on_where_it_was(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "_BATCH", 3)
    directory.delete("key")
    for number in range(10):
        directory.put(f"many/{number}", b"x")
    store = Retrying(Breaking(directory, [0, 1, 5, 5, 9, 10]), BRIEF)
    assert [entry.key for entry in store.list("many/")] == [f"many/{n}" for n in range(10)]


def test_closing_ends_the_waiting(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT", 60)
    monkeypatch.setattr(retry, "LONGEST_WAIT", 60)
    store = Retrying(FailForever(directory, error=Unreachable("gone")))
    errors: list[BackendError] = []

    def read() -> None:
        try:
            store.get("key")
        except BackendError as error:
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    time.sleep(0.1)
    store.close()
    thread.join(5)
    assert not thread.is_alive()
    assert type(errors[0]) is Unreachable


def test_a_mistake_of_the_caller_is_not_hidden(directory: Directory) -> None:
    with pytest.raises(ValueError, match="range"):
        Retrying(directory).get("key", -1)
