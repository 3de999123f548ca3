"""Commands that put another version of files into the working tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, Trace
from tests.support.project import CLASH, FIRST, LARGE, SECOND, TOPIC, Project, Witness

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("command", [["checkout"], ["switch"]], ids=["checkout", "switch"])
def test_another_branch(project: Project, witness: Witness, command: list[str]) -> None:
    witness.watch(project)
    project.git(*command, "-q", "topic")
    project.assert_tree(TOPIC)
    assert witness.ran() == {"post-checkout"}
    project.git(*command, "-q", "main")
    project.assert_tree(SECOND)
    assert witness.ran() == {"post-checkout"}


def test_new_branch_of_an_old_commit(project: Project) -> None:
    project.git("switch", "-q", "-c", "old", "v1")
    project.assert_tree(FIRST)


def test_detached_head_from_a_subdirectory(project: Project, witness: Witness) -> None:
    witness.watch(project)
    project.git("checkout", "-q", "--detach", "v1", cwd="data")
    project.assert_tree(FIRST)
    assert witness.ran() == {"post-checkout"}


def test_local_changes_survive_a_switch(project: Project) -> None:
    project.write("kept.bin", b"edited by hand")
    project.git("checkout", "-q", "topic")
    project.assert_contents(TOPIC | {"kept.bin": b"edited by hand"})
    project.assert_status(" M kept.bin")


def test_local_changes_in_the_way_stop_a_switch(project: Project) -> None:
    project.write("large.bin", b"edited by hand")
    assert "would be overwritten" in project.fails("checkout", "clash").stderr
    project.assert_content("large.bin", b"edited by hand")
    assert project.pointers_on_disk() == []


def test_forced_switch_discards_local_changes(project: Project) -> None:
    project.write_all({"large.bin": b"edited", "small.bin": b"edited"})
    project.git("checkout", "-q", "-f", "clash")
    project.assert_tree(CLASH)


def test_switch_with_merge_of_local_changes(project: Project) -> None:
    project.git("checkout", "-q", "v1")
    project.write("kept.bin", b"edited by hand")
    project.git("checkout", "-q", "-m", "topic")
    project.assert_contents(TOPIC | {"kept.bin": b"edited by hand"})
    project.assert_status(" M kept.bin")


@pytest.mark.parametrize(
    "command",
    [["checkout", "-q", "--", "."], ["restore", "."]],
    ids=["checkout", "restore"],
)
def test_removed_files_come_back(project: Project, command: list[str]) -> None:
    for name in SECOND:
        project.remove(name)
    project.git(*command)
    project.assert_tree(SECOND)


@pytest.mark.parametrize("command", [["checkout", "--"], ["restore"]], ids=["checkout", "restore"])
def test_edited_file_is_restored(project: Project, command: list[str]) -> None:
    project.write_all({"large.bin": b"edited", "small.bin": b"edited", "kept.bin": b"stays"})
    project.git(*command, "large.bin", "small.bin")
    project.assert_contents(SECOND | {"kept.bin": b"stays"})
    project.assert_status(" M kept.bin")


def test_file_of_another_commit(project: Project, witness: Witness) -> None:
    witness.watch(project)
    project.git("checkout", "-q", "v1", "--", "large.bin")
    project.git("restore", "--source=v1", "--staged", "--worktree", "small.bin")
    project.git("restore", "--source=topic", "tool.bin")
    wanted = {name: FIRST[name] for name in ("large.bin", "small.bin")}
    project.assert_contents(SECOND | wanted | {"tool.bin": TOPIC["tool.bin"]})
    project.assert_status("M  large.bin", "M  small.bin", " M tool.bin")
    assert witness.ran() == {"post-checkout"}


def test_files_of_a_subdirectory(project: Project) -> None:
    project.git("checkout", "-q", "v1", "--", ".", cwd="data")
    in_data = {name: data for name, data in FIRST.items() if name.startswith("data/")}
    project.assert_contents(SECOND | in_data)


@pytest.mark.parametrize("target", ["v1", "topic", "HEAD"])
def test_reset_hard(project: Project, target: str) -> None:
    project.write_all({"large.bin": b"edited", "small.bin": b"edited"})
    project.git("add", "small.bin")
    project.git("reset", "-q", "--hard", target)
    project.assert_tree({"v1": FIRST, "topic": TOPIC, "HEAD": SECOND}[target])


def test_reset_of_the_index_alone_touches_no_file(project: Project) -> None:
    project.write("large.bin", b"edited")
    project.git("add", "large.bin")
    project.git("reset", "-q")
    project.assert_content("large.bin", b"edited")
    project.assert_status(" M large.bin")


def test_reset_keep_and_merge(project: Project) -> None:
    project.git("reset", "-q", "--keep", "v1")
    project.assert_tree(FIRST)
    project.git("reset", "-q", "--merge", "topic")
    project.assert_tree(TOPIC)


def test_read_tree(project: Project) -> None:
    project.git("read-tree", "-m", "-u", "HEAD", "topic")
    project.assert_contents(TOPIC)
    assert project.pointers_on_disk() == []


def test_another_working_tree_and_index(project: Project, tmp_path: Path) -> None:
    deployed = tmp_path / "deployed"
    deployed.mkdir()
    project.git(
        f"--work-tree={deployed}",
        "checkout",
        "-q",
        "-f",
        "topic",
        "--",
        ".",
        env={"GIT_INDEX_FILE": str(tmp_path / "index")},
    )
    Repo(deployed).assert_contents(TOPIC)
    project.assert_tree(SECOND)


def test_same_content_under_many_names(project: Project) -> None:
    data = SECOND["large.bin"]
    names = [f"copies/{number}.bin" for number in range(20)]
    project.write_all(dict.fromkeys(names, data))
    project.commit("copies")
    project.git("checkout", "-q", "v1")
    project.git("checkout", "-q", "main")
    project.assert_tree(SECOND | dict.fromkeys(names, data))


def test_file_becomes_directory_and_back(project: Project) -> None:
    project.git("rm", "-q", "large.bin")
    inside = {"large.bin/a.bin": FIRST["kept.bin"][:LARGE], "large.bin/b.bin": b"b"}
    project.write_all(inside)
    project.commit("directory")
    project.git("checkout", "-q", "v1")
    project.assert_tree(FIRST)
    project.git("checkout", "-q", "main")
    project.assert_contents(inside)
    project.assert_whole()


def test_mode_change_comes_with_its_content(project: Project) -> None:
    project.file("kept.bin").chmod(0o755)
    project.commit("executable")
    project.git("checkout", "-q", "HEAD~1")
    assert project.file("kept.bin").stat().st_mode & 0o111 == 0
    project.git("checkout", "-q", "main")
    assert project.file("kept.bin").stat().st_mode & 0o777 == 0o755
    project.assert_tree(SECOND)


def test_one_filter_process_serves_a_whole_command(project: Project) -> None:
    assert project.filter_starts("checkout", "-q", "topic") == 1
    project.assert_tree(TOPIC)


def test_status_without_locks_starts_no_filter(project: Project) -> None:
    project.git("checkout", "-q", "topic")
    with Trace(project.path.parent / "trace") as trace:
        project.run("--no-optional-locks", "status", env=trace.env)
        assert trace.filters() == 0
