"""``pre-push``: content goes to its remote before Git sends any ref, and notes go along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.errors import UsageError
from git_mlvers.filter.report import say, shown
from git_mlvers.git import refs
from git_mlvers.hooks.carrying import carry
from git_mlvers.pushing import before_push

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from git_mlvers.progress import Progress
    from git_mlvers.transfer.push import Pushed
    from git_mlvers.workspace import Workspace

# Git hands a URL with this prefix to our remote helper, which sends content itself.
_HELPER = "mlvers::"


def run(workspace: Workspace, words: Sequence[str], stdin: BinaryIO, progress: Progress) -> int:
    """Send content for the refs on `stdin`; `words` are the git remote's name and URL.

    Any error with content stops the push, with no ref moved; one with notes does not.
    """
    if len(words) != 2:
        raise UsageError("pre-push takes the name and the URL of a git remote", "git starts it")
    name, url = words
    updates = refs.parse_updates(stdin.read())
    address = _address(workspace, name, url)
    if not url.startswith(_HELPER):
        say(remarks(before_push(workspace, address, updates, progress)))
    carry(workspace, name, address, updates)
    return 0


def _address(workspace: Workspace, name: str, url: str) -> str:
    """The name of the git remote, or `url` when that is not where it is fetched from.

    By its name git asks a git remote at the first of its URLs, which is another
    repository when there is a pushurl or a second URL.
    """
    urls = workspace.config.values(f"remote.{name}.url")
    first = (urls[0].text if urls else None) or name
    return name if workspace.config.instead_of(first) == url else url


def remarks(pushed: Pushed) -> list[str]:
    """What the user is told of a push that brought all that new commits need: lines, maybe none."""
    if not pushed.absent:
        return []
    first = pushed.absent[0]
    more = f" and {len(pushed.absent) - 1} more files" if len(pushed.absent) > 1 else ""
    return [
        f"git-mlvers: content of older commits is neither here nor on the remote:"
        f" {shown(first.path)}{more}",
        "hint: push it from a clone that has it: git mlvers push --all",
    ]
