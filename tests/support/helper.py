"""The remote helper with a stand-in for the part that sends content: it notes, and says no."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, NamedTuple

from tests.support.environment import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAM = """\
#!{python}
import json, os, sys, time, types

sys.path.insert(0, {checkout!r})
from git_mlvers.remote_helper import entry

def send_content(job, updates, advertised, progress):
    record = {{"name": job.name, "inner": job.address.inner, "updates": list(map(list, updates)),
              "advertised": sorted(advertised), "pid": os.getpid()}}
    with open({log!r}, "a") as out:
        out.write(json.dumps(record) + "\\n")
    if os.path.exists({slow!r}):
        time.sleep(600)
    if not os.path.exists({no!r}):
        return None
    with open({no!r}) as file:
        return file.read()

setup = sys.modules["git_mlvers.remote_helper.setup"] = types.ModuleType("setup")
setup.prepare = lambda job, config: None
content = sys.modules["git_mlvers.remote_helper.content"] = types.ModuleType("content")
content.send_content = send_content
entry()
"""


class Asked(NamedTuple):
    """One time that the helper wanted content to be sent; updates as in `RefUpdate`."""

    name: str
    inner: str
    updates: list[list[str]]
    advertised: list[str]
    pid: int


class Content:
    """What the stand-in was asked, and what it answers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._log = directory / "asked"
        self._no = directory / "no"
        self._slow = directory / "slow"
        program = directory / "git-remote-mlvers"
        program.write_text(
            _PROGRAM.format(
                python=sys.executable,
                checkout=str(CHECKOUT),
                log=str(self._log),
                no=str(self._no),
                slow=str(self._slow),
            )
        )
        program.chmod(0o755)

    def asked(self) -> list[Asked]:
        """Every time that it was asked."""
        if not self._log.exists():
            return []
        return [Asked(**json.loads(line)) for line in self._log.read_text().splitlines()]

    def refuse(self, reason: str) -> None:
        """Let it say that content cannot be stored, from now on."""
        self._no.write_text(reason)

    def take_long(self) -> None:
        """Let it not come to an end."""
        self._slow.touch()
