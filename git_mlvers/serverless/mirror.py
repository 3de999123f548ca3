"""A bare copy of a repository on a store, from which git itself can serve.

A store cannot cut a history or leave out blobs; git can. So for such wishes a
copy is kept under the clone, brought up to date, and git's own server program
runs on it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.fsutil import remove_quietly
from git_mlvers.git import command, refs
from git_mlvers.git.repository import Repository
from git_mlvers.serverless.fetch import Fetcher
from git_mlvers.serverless.local import Local

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.serverless.manifest import Manifest
    from git_mlvers.serverless.store import Loaded, Store

_SETTINGS = (
    ("uploadpack.allowFilter", "true"),
    # A partial clone asks for single objects that it does not have.
    ("uploadpack.allowAnySHA1InWant", "true"),
    ("gc.auto", "0"),
)


def hydrate(
    store: Store, state: Loaded, local: Local, object_format: str, *, verbose: bool = False
) -> Repository:
    """The copy in `local`, with exactly the refs and objects of `state`.

    `object_format` counts when the state is empty. Raises what `Fetcher.fetch` does.
    """
    form = state.manifest.object_format if state.manifest else object_format
    with local.locked():
        repo = _made(os.path.join(local.folder, "repo.git"), form)
        if state.manifest is not None:
            inside = Local(repo.common_dir, store.url)
            fetcher = Fetcher(store, repo, inside, verbose=verbose)
            try:
                fetcher.fetch(state, list(state.refs.values()))
                _set_refs(repo, state.manifest)
            finally:
                for path in fetcher.keeps:
                    remove_quietly(path)
    return repo


def serve(repo: Repository, service: str, env: Mapping[str, str], stdin: int, stdout: int) -> int:
    """Run ``git SERVICE`` on `repo` with our descriptors until it ends; its exit code."""
    environment = {**repo.env}
    if "GIT_PROTOCOL" in env:
        environment["GIT_PROTOCOL"] = env["GIT_PROTOCOL"]
    with command.start(
        service, repo.git_dir, env=environment, stdin=stdin, stdout=stdout, stderr=None
    ) as process:
        return process.wait()


def _made(path: str, object_format: str) -> Repository:
    env = command.local_env_dropped()
    if not os.path.exists(os.path.join(path, "mlvers-made")):
        os.makedirs(path, exist_ok=True)
        command.run(
            *("init", "-q", "--bare", "--template=", f"--object-format={object_format}", path),
            env=env,
        )
        for key, value in _SETTINGS:
            command.run("--git-dir", path, "config", key, value, env=env)
        with open(os.path.join(path, "mlvers-made"), "wb"):
            pass
    return Repository.discover(path)


def _set_refs(repo: Repository, manifest: Manifest) -> None:
    """Make the refs of `repo` those of `manifest`."""
    here = {ref.name: ref.oid for ref in refs.for_each_ref(repo)}
    gone = [f"delete {name}" for name in here if name not in manifest.refs]
    if gone:  # first, since a name may be a directory of one that comes
        repo.git("update-ref", "--stdin", input=command.joined(gone))
    news = [f"update {name} {oid}" for name, oid in manifest.refs.items() if here.get(name) != oid]
    if news:
        repo.git("update-ref", "--stdin", input=command.joined(news))
    if manifest.head is not None:
        repo.git("symbolic-ref", "HEAD", manifest.head)
