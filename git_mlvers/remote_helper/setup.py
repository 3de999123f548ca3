"""What a repository that has a git remote ``mlvers::…`` is given, before Git checks anything out.

``git clone`` has made the repository when it starts the helper, and reads the
configuration again when it checks files out. So what ``git mlvers init`` would
write is there in time, and nobody has to run it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers import hooks, wiring
from git_mlvers.config import Config, address
from git_mlvers.errors import MlversError
from git_mlvers.filter.report import say
from git_mlvers.git import config as git_config
from git_mlvers.git import discovery, refs
from git_mlvers.git.repository import Repository
from git_mlvers.tracking import switch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.remote_helper.job import Job


def prepare(job: Job, config: Config | None = None) -> None:
    """Set the repository of `job` up for large files, unless it is, or has no working tree.

    `config` is its configuration, if that is read already. Writes what git itself
    reads, git's configuration and the hooks, and never a file of the user's. Only a
    repository in which the git remote has a name is looked at: a mere address may be
    meant for ``git ls-remote``. What goes wrong is said, and is no reason not to
    fetch or push.
    """
    if job.repo is None or job.repo.work_tree is None:
        return
    try:
        _prepare(job, job.repo, config or Config.load(job.repo, job.env))
    except MlversError as error:
        said = [f"git-mlvers: the repository is not set up for large files: {error.message}"]
        say([*said, f"hint: {error.hint}"] if error.hint else said)


def _prepare(job: Job, repo: Repository, config: Config) -> None:
    if job.name not in config.git_remotes():
        return
    fresh = _is_being_cloned(repo, job.env)
    if fresh:
        _make_absolute(repo, config, job.name)
    done = _wire(repo, config, job.env)
    switch.ensure_quietly(repo, config)
    if not fresh:
        remarks = hooks.ensure(repo, config)
        say([*_news(repo, job.name, done), *_marked(remarks)])
    elif config.hooks_dir is None:
        # Where the working tree will be is not known here, and core.hooksPath may depend on it:
        # then the filter looks after the hooks, at its end.
        say(_marked(hooks.ensure(repo, config, hooks.BEFORE_CHECKOUT)))


def _news(repo: Repository, name: str, done: bool) -> list[str]:
    if not done:
        return []
    said = f"this repository is set up for large files now, since {name} is an mlvers:: remote"
    if refs.head(repo) is not None:
        return _marked([said])
    # The very first "git pull" checks out by itself, with the configuration that it had before.
    return [*_marked([said]), "hint: where pointers stand after git pull: git mlvers pull"]


def _marked(remarks: list[str]) -> list[str]:
    return [f"git-mlvers: {remark}" for remark in remarks]


def _wire(repo: Repository, config: Config, env: Mapping[str, str]) -> bool:
    """Write the filter and the merge driver; false when a filter of that name is there."""
    if config.values(wiring.PROCESS):
        return False
    return wiring.install(config, repo, "local", wiring.find_program(env))


def _is_being_cloned(repo: Repository, env: Mapping[str, str]) -> bool:
    """Whether `repo` is what ``git clone`` has just made: empty, and we run outside of it."""
    around = {name: text for name, text in env.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}
    try:
        found = discovery.find(None, around)
    except MlversError:
        pass
    else:
        if os.path.realpath(found.git_dir) == os.path.realpath(repo.git_dir):
            return False
    return not repo.git("for-each-ref", "--count=1")


def _make_absolute(repo: Repository, config: Config, name: str) -> None:
    """Write the address of a new clone's git remote so that it is the same inside of the clone.

    Git does so for a path that was typed, when it stands without our prefix.
    """
    key = f"remote.{name}.url"
    url = config.get(key)
    if not url or not url.startswith(address.PREFIX):
        return
    if any(config.instead_of(part) != part for part in (url, url.removeprefix(address.PREFIX))):
        return  # a short name, and no path
    absolute = address.absolute(url, os.getcwd())
    if absolute != url:
        git_config.set_value(repo, key, absolute)
