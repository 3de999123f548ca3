"""Repositories whose objects have longer names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.git import Repo, clone, noise

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helper.conftest import Way
    from tests.support.helper import Content


def test_push_refuse_delete(way: Way, content: Content, tmp_path: Path) -> None:
    origin = Repo.init(way.root / "origin.git", "--bare", "--object-format=sha256")
    origin.config("http.receivepack", "true")
    work = Repo.init(tmp_path / "work", "--object-format=sha256")
    work.write("file", noise(1000))
    work.commit()
    url = f"mlvers::{way.url('origin.git')}"
    work.git("push", "-q", url, "main", "main:other")
    assert {update[1] for update in content.asked()[0].updates} == {work.head()}
    work.git("push", "-q", url, ":other")
    assert len(content.asked()) == 1
    content.refuse("no place")
    work.write("file", noise(1001))
    work.commit()
    said = work.fails("push", url, "main").stderr
    assert "! [remote rejected] main -> main (no place)" in said
    fresh = clone(url, tmp_path / "fresh")
    assert fresh.head() == work.head("HEAD~1")
    fresh.fsck()
