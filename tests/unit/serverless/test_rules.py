"""Which changes of refs are allowed."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from git_mlvers.serverless.names import clash
from git_mlvers.serverless.rules import Change, Judge

ID = "1" * 40
NO_REPOSITORY: Any = None


def test_every_name_that_excludes_one_that_is_there_is_refused() -> None:
    there = dict.fromkeys(("refs/heads/a/x", "refs/heads/b", "refs/heads/c/d/e"), ID)
    new = ("refs/heads/a", "refs/heads/b/c", "refs/heads/c/d", "refs/heads/c/d/f", "refs/heads/e")
    for names in permutations(new):
        changes = [Change(name, ID, kind="commit") for name in names]
        reasons = Judge(NO_REPOSITORY, there).verdicts(changes, there, None)
        good = {name for name, reason in reasons.items() if reason is None}
        assert clash(good | there.keys()) is None
        assert good == {"refs/heads/c/d/f", "refs/heads/e"}
