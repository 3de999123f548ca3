"""The dialogue with git for a repository on a store: gitremote-helpers(7)."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from git_mlvers.bars import choose
from git_mlvers.errors import MlversError, UsageError
from git_mlvers.fsutil import remove_quietly, write_all
from git_mlvers.git.catfile import CatFile
from git_mlvers.git.lines import LineReader
from git_mlvers.git.repository import Repository
from git_mlvers.progress import Silent
from git_mlvers.remote_helper.options import Options
from git_mlvers.remote_helper.wrapper_content import send_content
from git_mlvers.serverless import shallow
from git_mlvers.serverless.consolidate import after_push
from git_mlvers.serverless.fetch import Fetcher
from git_mlvers.serverless.local import Local
from git_mlvers.serverless.mirror import hydrate, serve
from git_mlvers.serverless.push import Pusher, Wishes
from git_mlvers.serverless.rules import Change
from git_mlvers.serverless.store import NOTHING, Store

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from git_mlvers.config import Config
    from git_mlvers.git.refs import RefUpdate
    from git_mlvers.remote_helper.job import Job
    from git_mlvers.remote_helper.wrapper_content import SendContent
    from git_mlvers.serverless.push import Send
    from git_mlvers.serverless.store import Loaded

_CAPABILITIES = "connect\nfetch\npush\noption\nobject-format\ncheck-connectivity\n\n"
_SERVICES = {"git-upload-pack": "upload-pack", "git-upload-archive": "upload-archive"}


def run(job: Job, config: Config, send: SendContent = send_content) -> int:
    """Answer git until it has no more questions; the exit code.

    `send` brings content to its place before refs move. Raises `MlversError` when
    something cannot be done that git gives no way to answer for.
    """
    inner = job.address.inner
    options = config.options_for(inner) if "://" in inner else {}

    def bring(updates: Sequence[RefUpdate], advertised: Collection[str]) -> str | None:
        shown = choose(sys.stderr, quiet=False, json=False) if dialogue.shows else Silent()
        return send(job, updates, advertised, shown)

    dialogue = Dialogue(job, options, bring)
    try:
        return dialogue.run()
    finally:
        dialogue.close()


class Dialogue:
    """One run of the helper. The store is opened when something is asked of it."""

    def __init__(self, job: Job, options: Mapping[str, str], send: Send) -> None:
        self._job = job
        self._options_of_store = options
        self._send = send
        self._lines = LineReader(job.stdin)
        self._wishes = Options()
        self._opened: Store | None = None
        self._listed: Loaded = NOTHING
        self._keeps: list[str] = []

    def run(self) -> int:
        """Answer line by line; the exit code."""
        while line := self._lines.read():
            command, _, rest = os.fsdecode(line).partition(" ")
            if command == "capabilities":
                self._say(_CAPABILITIES)
            elif command == "option":
                self._option(rest)
            elif command == "list":
                self._list(for_push=rest == "for-push")
            elif command == "connect":
                if (status := self._connect(rest)) is not None:
                    return status
            elif command == "fetch":
                self._fetch([rest, *self._batch("fetch ")])
            elif command == "push":
                self._push([rest, *self._batch("push ")])
            else:
                raise UsageError(f"git asks the remote helper for something unknown: {command!r}")
        return 0

    @property
    def shows(self) -> bool:
        """Whether the user wants to see progress."""
        return self._wishes.verbose

    def close(self) -> None:
        """Let git collect packs again, whose objects are named by refs now; give back the rest."""
        for path in self._keeps:
            remove_quietly(path)
        if self._opened is not None:
            self._opened.backend.close()

    def _batch(self, start: str) -> list[str]:
        """What follows `start` on the lines up to an empty one."""
        found = []
        while line := self._lines.read():
            found.append(os.fsdecode(line).removeprefix(start))
        return found

    def _option(self, line: str) -> None:
        answer = self._wishes.take(line)
        if answer.startswith("error "):  # git keeps to itself why
            write_all(2, os.fsencode(f"git-mlvers: {answer.removeprefix('error ')}\n"))
        self._say(f"{answer}\n")

    def _list(self, *, for_push: bool) -> None:
        self._listed = self._load(makes=for_push)
        manifest = self._listed.manifest
        lines = []
        if self._wishes.object_format:
            if manifest is not None:
                lines.append(f":object-format {manifest.object_format}")
            elif self._job.repo is not None:
                lines.append(f":object-format {self._repo().object_format}")
        if manifest is not None:
            self._check_format(manifest.object_format, for_push)
            if manifest.head in manifest.refs and not for_push:
                lines.append(f"@{manifest.head} HEAD")
            for name, oid in manifest.refs.items():
                lines.append(f"{oid} {name}")
                if name in manifest.peeled and not for_push:
                    lines.append(f"{manifest.peeled[name]} {name}^{{}}")
        self._say("".join(f"{line}\n" for line in lines) + "\n")

    def _check_format(self, there: str, for_push: bool) -> None:
        """A clone takes the format of the store; any other repository must have the same."""
        if self._job.repo is None or not (for_push or not self._wishes.object_format):
            return
        here = self._repo().object_format
        if here != there:
            raise UsageError(
                f"this repository names objects by {here}, the one at {self._store.url} by {there}",
                f"git init --object-format={there}",
            )

    def _connect(self, service: str) -> int | None:
        """Serve git from a copy when it wants what a store cannot do; ``None`` to go on here."""
        name = _SERVICES.get(service)
        job = self._job
        if name is None or job.repo is None or not (self._needs_git(job.repo) or "archive" in name):
            self._say("fallback\n")
            return None
        state = self._load()
        local = self._local()
        repo = hydrate(
            self._store, state, local, self._repo().object_format, verbose=self._wishes.verbose
        )
        self._say("\n")
        return serve(repo, name, job.env, job.stdin, job.stdout)

    def _needs_git(self, repo: Repository) -> bool:
        return self._wishes.needs_git or repo.partial or bool(shallow.boundary(repo))

    def _fetch(self, lines: Sequence[str]) -> None:
        wanted = list(dict.fromkeys(line.partition(" ")[0] for line in lines))
        repo = self._repo()
        fetcher = Fetcher(
            self._store,
            repo,
            self._local(),
            verbose=self._wishes.verbose,
            connect=self._wishes.check_connectivity,
        )
        try:
            fetcher.fetch(self._listed, wanted)
        finally:
            self._keeps += fetcher.keeps
        # git minds one such file for a fetch; the others are ours to remove.
        lock = f"lock {fetcher.keeps[-1]}\n" if fetcher.keeps else ""
        self._say(lock + ("connectivity-ok\n" if fetcher.connected else "") + "\n")

    def _push(self, lines: Sequence[str]) -> None:
        changes: list[Change] = []
        reasons: dict[str, str | None] = {}
        state = None
        try:
            repo = self._repo()
            changes = self._changes(repo, lines, reasons)
            if reasons and self._wishes.atomic:
                reasons.update((change.ref, "atomic push failed") for change in changes)
            elif changes:
                pushed = self._pusher(repo).push(self._listed, changes, self._how())
                reasons |= pushed.reasons
                state = pushed.state
        except MlversError as error:
            reasons |= {_destination(line): _one_line(error) for line in lines}
        finally:
            self._wishes.leases.clear()
        said = [
            f"ok {ref}\n" if reason is None else f"error {ref} {reason}\n"
            for ref, reason in reasons.items()
        ]
        self._say("".join(said) + "\n")
        if state is not None and not self._wishes.dry_run:
            self._listed = state
            after_push(self._store, self._repo(), self._local(), state)

    def _pusher(self, repo: Repository) -> Pusher:
        branch = repo.head_branch()
        head = None if branch is None else f"refs/heads/{branch}"
        return Pusher(self._store, repo, self._local(), self._send, local_head=head)

    def _how(self) -> Wishes:
        wishes = self._wishes
        return Wishes(wishes.atomic, wishes.dry_run, wishes.default_branch, wishes.verbose)

    def _changes(
        self, repo: Repository, lines: Sequence[str], reasons: dict[str, str | None]
    ) -> list[Change]:
        """What git asks for in the `lines` of a batch; those of no use get their reason."""
        found = []
        with CatFile(repo) as objects:
            for line in lines:
                source, _, ref = line.removeprefix("+").rpartition(":")
                change = Change(
                    ref,
                    None,
                    forced=line.startswith("+"),
                    lease=self._wishes.leases.get(ref),
                    source=source,
                )
                if source:
                    info = objects.info(source)
                    if info is None:
                        reasons[ref] = f"there is no object {source}"
                        continue
                    peeled = objects.info(f"{info.oid}^{{}}") if info.type == "tag" else None
                    change = change._replace(
                        new=info.oid, kind=info.type, peeled=peeled.oid if peeled else None
                    )
                found.append(change)
        return found

    @property
    def _store(self) -> Store:
        if self._opened is None:
            from git_mlvers.backend.registry import open_backend

            backend = open_backend(self._job.address.inner, self._options_of_store)
            self._opened = Store(backend)
        return self._opened

    def _load(self, *, makes: bool = False) -> Loaded:
        state = self._store.load(makes=makes)
        if state.manifest is None and self._job.repo is not None:
            self._local().check_lost(self._store.url)
        return state

    def _local(self) -> Local:
        return Local(self._repo().common_dir, self._store.url)

    def _repo(self) -> Repository:
        """The repository as it is now: git sets the format of a new clone while we run."""
        if self._job.repo is None:
            raise UsageError("there is no repository here to fetch to or push from")
        return self._job.repo

    def _say(self, text: str) -> None:
        write_all(self._job.stdout, os.fsencode(text))


def _destination(line: str) -> str:
    return line.rpartition(":")[2]


def _one_line(error: MlversError) -> str:
    return " ".join(str(error).split())
