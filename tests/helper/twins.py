"""The same commands in two worlds: with addresses of git, and with ``mlvers::`` before them."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from tests.support.git import Repo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.helper.conftest import Way

WORLDS = ("plain", "ours")
TIMEOUT = 60
# Counts and speeds differ from run to run; "remote: " lines may come in another order.
_VARYING = re.compile(
    r"^(?:remote: )?(?:Enumerating|Counting|Compressing|Writing|Receiving|Resolving|Unpacking"
    r"|Total|Delta|Updating files|warning: redirecting).*\n",
    re.M,
)


class Twins:
    """Two directories, each with a served repository `origin.git`, in which the same is done.

    Every command must end with the same status, say the same, and leave both
    git remotes with the same refs.
    """

    def __init__(self, directory: Path, way: Way) -> None:
        self.directory = directory
        self.way = way
        for world in WORLDS:
            (directory / world).mkdir()
            origin = Repo.init(way.root / world / "origin.git", "--bare")
            for key in (
                "http.receivepack",
                "uploadpack.allowFilter",
                "receive.advertisePushOptions",
            ):
                origin.config(key, "true")
            origin.config("uploadpack.allowAnySHA1InWant", "true")
            origin.config("http.uploadarchive", "true")
            origin.config("daemon.uploadarch", "true")

    def url(self, world: str, name: str = "origin.git") -> str:
        """The address of a served repository in `world`."""
        return ("mlvers::" if world == "ours" else "") + self.way.url(f"{world}/{name}")

    def origin(self, world: str) -> Repo:
        """The served repository of `world`, looked at directly."""
        return Repo(self.way.root / world / "origin.git")

    def repo(self, name: str, world: str) -> Repo:
        """A repository that was made by `do`."""
        return Repo(self.directory / world / name)

    def each(self, act: Callable[[str], object]) -> None:
        """Do something in both worlds without comparing what comes of it."""
        for world in WORLDS:
            act(world)

    def do(self, where: str, *words: str, fails: bool = False) -> str:
        """Run ``git WORDS`` in the directory `where` of both worlds; what it said in ours.

        ``URL`` in a word stands for the address of the origin.
        """
        said = [self._run(world, where, words) for world in WORLDS]
        assert said[0] == said[1], f"plain: {said[0]}\n ours: {said[1]}"
        assert (said[0][0] != 0) == fails, said
        refs = [self.origin(world).git("for-each-ref") for world in WORLDS]
        assert refs[0] == refs[1]
        return said[1][1] + said[1][2]

    def _run(self, world: str, where: str, words: tuple[str, ...]) -> tuple[int, str, str]:
        if words[0] == "clone":
            words = ("clone", "--no-local", *words[1:])  # git would copy a path's files
        argv = ["git", *(word.replace("URL", self.url(world)) for word in words)]
        ran = subprocess.run(
            argv,
            cwd=self.directory / world / where,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert b"Traceback" not in ran.stderr, ran.stderr
        return ran.returncode, self._same(world, ran.stdout), self._same(world, ran.stderr)

    def _same(self, world: str, output: bytes) -> str:
        """`output` without what tells the worlds apart."""
        text = os.fsdecode(output).replace("mlvers::", "").replace(f"/{world}", "/WORLD")
        return _VARYING.sub("", text.replace(f"'{world}", "'WORLD").replace("\r", "\n"))

    def same_trees(self, name: str) -> None:
        """The working trees called `name` are alike, byte for byte, and sound."""
        trees = []
        for world in WORLDS:
            repo = self.repo(name, world)
            repo.fsck()
            repo.assert_status()
            files = [path for path in repo.path.rglob("*") if path.is_file()]
            trees.append(
                {
                    str(path.relative_to(repo.path)): path.read_bytes()
                    for path in files
                    if ".git" not in path.relative_to(repo.path).parts
                }
            )
        assert trees[0] == trees[1]
        assert trees[0]
