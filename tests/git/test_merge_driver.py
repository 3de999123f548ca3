"""Merges of tracked files: text is merged, anything else is the user's choice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.git import POINTER_START, noise

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import Repo

LINES = [f"row {number},{number * number}" for number in range(1, 40)]


def text(**changed: str) -> bytes:
    """The lines, those numbered by a key (``line3="x"``) replaced."""
    lines = list(LINES)
    for name, line in changed.items():
        lines[int(name.removeprefix("line")) - 1] = line
    return "".join(f"{line}\n" for line in lines).encode()


@pytest.fixture
def project(installed: Path, repo: Repo) -> Repo:
    """A repository with a tracked text and a tracked binary file in its first commit."""
    repo.mlvers("init")
    repo.attributes("*.csv", "*.bin")
    repo.write_all({"a.csv": text(), "w.bin": noise(9000, "base")})
    repo.commit("base")
    return repo


def diverge(repo: Repo, path: str, ours: bytes, theirs: bytes) -> None:
    """Change `path` on the branches main and side; main is checked out."""
    repo.git("checkout", "-q", "-b", "side")
    repo.write(path, theirs)
    repo.commit("theirs")
    repo.git("checkout", "-q", "main")
    repo.write(path, ours)
    repo.commit("ours")


def assert_settled(repo: Repo) -> None:
    """Everything is committed and no pointer is left.

    Git looks once more at a file that the user wrote in the second in which the
    index was written, so nothing is said about filters.
    """
    assert repo.pointers_on_disk() == []
    repo.assert_status()
    repo.fsck()


def assert_marked(repo: Repo, path: str, ours: bytes, theirs: bytes) -> None:
    """The file has content with conflict markers around both lines, and no pointer."""
    found = repo.read(path)
    assert POINTER_START not in found
    assert b"<<<<<<< " in found
    assert b"%b\n=======\n%b\n>>>>>>> " % (ours, theirs) in found


def test_text_changed_in_different_places_is_merged(project: Repo) -> None:
    diverge(project, "a.csv", text(line3="three"), text(line30="thirty"))
    project.settle()
    project.git("merge", "-q", "side", "-m", "merged")
    project.assert_content("a.csv", text(line3="three", line30="thirty"))
    project.assert_pointer("a.csv", text(line3="three", line30="thirty"))
    project.assert_whole()


def test_text_conflict_shows_content_with_markers(project: Repo) -> None:
    diverge(project, "a.csv", text(line7="ours"), text(line7="theirs"))
    ran = project.fails("merge", "side")
    assert "a.csv: both sides changed the same lines" in ran.stderr
    assert "git add -- a.csv" in ran.stderr
    assert_marked(project, "a.csv", b"ours", b"theirs")
    project.write("a.csv", text(line7="both"))
    project.git("add", "a.csv")
    project.assert_pointer("a.csv", text(line7="both"), rev="")
    project.git("commit", "-q", "-m", "resolved")
    project.assert_content("a.csv", text(line7="both"))
    assert_settled(project)


def test_sides_of_a_text_conflict_can_be_taken(project: Repo) -> None:
    diverge(project, "a.csv", text(line7="ours"), text(line7="theirs"))
    project.fails("merge", "side")
    project.git("checkout", "--theirs", "--", "a.csv")
    project.assert_content("a.csv", text(line7="theirs"))
    project.git("checkout", "--ours", "--", "a.csv")
    project.assert_content("a.csv", text(line7="ours"))
    project.git("checkout", "-m", "--", "a.csv")
    assert_marked(project, "a.csv", b"ours", b"theirs")
    project.git("merge", "--abort")
    project.assert_content("a.csv", text(line7="ours"))
    assert_settled(project)


def test_conflict_style_of_the_user_counts(project: Repo) -> None:
    project.config("merge.conflictStyle", "diff3")
    diverge(project, "a.csv", text(line7="ours"), text(line7="theirs"))
    project.fails("merge", "side")
    # git 2.44 and newer tell the driver the labels: HEAD, and the id of the base.
    marked = rb"\n\|{7} \w+\n" + re.escape(LINES[6].encode()) + rb"\n={7}\n"
    assert re.search(marked, project.read("a.csv"))


def test_marker_size_attribute_counts(project: Repo) -> None:
    project.attributes("*.csv", attributes="conflict-marker-size=12")
    project.commit("longer markers")
    diverge(project, "a.csv", text(line7="ours"), text(line7="theirs"))
    project.fails("merge", "side")
    assert re.search(rb"^<{12} (ours|HEAD)$", project.read("a.csv"), re.MULTILINE)


def test_binary_changed_on_both_sides_keeps_ours(project: Repo) -> None:
    diverge(project, "w.bin", noise(8000, "ours"), noise(8000, "theirs"))
    ran = project.fails("merge", "side")
    assert "w.bin: both sides changed a file that is not text" in ran.stderr
    assert "git checkout --theirs -- w.bin" in ran.stderr
    project.assert_status("UU w.bin")
    project.assert_content("w.bin", noise(8000, "ours"))
    project.git("checkout", "--theirs", "--", "w.bin")
    project.assert_content("w.bin", noise(8000, "theirs"))
    project.git("add", "w.bin")
    project.git("commit", "-q", "-m", "theirs it is")
    project.assert_pointer("w.bin", noise(8000, "theirs"))
    assert_settled(project)


def test_large_text_is_not_merged_line_by_line(project: Repo) -> None:
    big = b"line of a large text\n" * 550_000
    diverge(project, "a.csv", b"ours\n" + big, b"theirs\n" + big)
    ran = project.fails("merge", "side")
    assert "too large to merge" in ran.stderr
    project.assert_content("a.csv", b"ours\n" + big)


def test_file_added_on_both_sides(project: Repo) -> None:
    diverge(project, "new.csv", b"same\nours\n", b"same\ntheirs\n")
    project.fails("merge", "side")
    assert_marked(project, "new.csv", b"ours", b"theirs")


def test_path_with_a_space_and_a_quote(project: Repo) -> None:
    name = "it's a file.csv"
    project.write(name, text())
    project.commit("name")
    diverge(project, name, text(line2="x"), text(line20="y"))
    project.git("merge", "-q", "side", "-m", "merged")
    project.assert_content(name, text(line2="x", line20="y"))


def test_merge_from_a_subdirectory(project: Repo) -> None:
    project.write("sub/dir/a.csv", text())
    project.commit("deeper")
    diverge(project, "sub/dir/a.csv", text(line2="x"), text(line20="y"))
    project.git("merge", "-q", "side", "-m", "merged", cwd="sub")
    project.assert_content("sub/dir/a.csv", text(line2="x", line20="y"))
    assert_settled(project)


def test_rebase_merges_and_stops_at_a_conflict(project: Repo) -> None:
    diverge(project, "a.csv", text(line3="three"), text(line30="thirty"))
    project.git("rebase", "-q", "side")
    project.assert_content("a.csv", text(line3="three", line30="thirty"))
    assert_settled(project)
    project.git("checkout", "-q", "-b", "more")
    project.write("a.csv", text(line9="more"))
    project.commit("more")
    project.git("checkout", "-q", "main")
    project.write("a.csv", text(line9="nine"))
    project.commit("nine")
    project.fails("rebase", "more")
    # In a rebase, ours is what is rebased onto.
    assert_marked(project, "a.csv", b"more", b"nine")
    project.write("a.csv", text(line9="resolved"))
    project.git("add", "a.csv")
    project.git("rebase", "--continue")
    project.assert_pointer("a.csv", text(line9="resolved"))
    assert_settled(project)


def test_cherry_pick_merges(project: Repo) -> None:
    diverge(project, "a.csv", text(line3="three"), text(line30="thirty"))
    project.git("cherry-pick", "side")
    project.assert_content("a.csv", text(line3="three", line30="thirty"))
    assert_settled(project)


def test_stash_pop_merges_and_shows_markers(project: Repo) -> None:
    project.write("a.csv", text(line3="stashed"))
    project.git("stash", "-q")
    project.write("a.csv", text(line30="thirty"))
    project.commit("thirty")
    project.git("stash", "pop")
    project.assert_content("a.csv", text(line3="stashed", line30="thirty"))
    project.git("stash", "-q")
    project.write("a.csv", text(line3="three", line30="thirty"))
    project.commit("three")
    project.fails("stash", "pop")
    assert_marked(project, "a.csv", b"three", b"stashed")


def test_criss_cross_merge(project: Repo) -> None:
    diverge(project, "a.csv", text(line7="ours"), text(line7="theirs"))
    project.git("branch", "old-main", "main")
    for other in ("side", "main"):
        target = "main" if other == "side" else "side"
        project.git("checkout", "-q", target)
        start = "old-main" if other == "main" else other
        project.run("merge", start, check=False)
        project.write("a.csv", text(line7=f"resolved on {target}"))
        project.commit(f"merge into {target}")
    project.git("checkout", "-q", "main")
    project.fails("merge", "side")
    assert_marked(project, "a.csv", b"resolved on main", b"resolved on side")


def test_recorded_resolution_is_replayed_as_content(project: Repo) -> None:
    project.config("rerere.enabled", "true")
    diverge(project, "a.csv", text(line7="ours"), text(line7="theirs"))
    project.fails("merge", "side")
    project.write("a.csv", text(line7="resolved"))
    project.commit("resolved")
    project.git("reset", "-q", "--hard", "HEAD~1")
    project.fails("merge", "side")
    project.assert_content("a.csv", text(line7="resolved"))
    project.git("commit", "-q", "-a", "-m", "resolved again")
    project.assert_pointer("a.csv", text(line7="resolved"))


def test_renormalizing_merge(project: Repo) -> None:
    project.config("merge.renormalize", "true")
    diverge(project, "a.csv", text(line3="three"), text(line30="thirty"))
    project.settle()
    project.git("merge", "-q", "side", "-m", "merged")
    project.assert_pointer("a.csv", text(line3="three", line30="thirty"))
    assert_settled(project)


def test_raw_file_committed_by_someone_without_the_filter(project: Repo) -> None:
    project.git("checkout", "-q", "-b", "side")
    project.write("a.csv", text(line30="thirty"))
    project.git(
        "-c", "filter.mlvers.process=", "-c", "filter.mlvers.required=false", "add", "a.csv"
    )
    project.git("commit", "-q", "-m", "raw")
    project.assert_not_pointer("a.csv", text(line30="thirty"))
    project.git("checkout", "-q", "-f", "main")
    project.write("a.csv", text(line3="three"))
    project.commit("ours")
    project.git("merge", "-q", "side", "-m", "merged")
    project.assert_pointer("a.csv", text(line3="three", line30="thirty"))
    project.assert_content("a.csv", text(line3="three", line30="thirty"))
    assert_settled(project)


def test_content_of_the_other_side_is_downloaded(project: Repo, tmp_path: Path) -> None:
    bare = project.clone_to(tmp_path / "origin.git", "--bare")
    project.git("remote", "add", "origin", str(bare.path))
    diverge(project, "a.csv", text(line3="three"), text(line30="thirty"))
    project.git("push", "-q", "origin", "main~1:main", "side")
    other = bare.clone_to(tmp_path / "other")
    other.write("a.csv", text(line3="three"))
    other.commit("ours")
    other.git("merge", "-q", "origin/side", "-m", "merged")
    other.assert_content("a.csv", text(line3="three", line30="thirty"))
    assert_settled(other)


def test_content_that_is_nowhere_is_a_conflict_with_the_reason(
    project: Repo, tmp_path: Path
) -> None:
    diverge(project, "a.csv", text(line3="three"), text(line30="thirty"))
    project.drop_cache()
    project.write("a.csv", text(line3="three", line5="five"))
    project.commit("again")
    ran = project.fails("merge", "side")
    assert "a.csv: both sides changed it, and one version is not here" in ran.stderr
    project.assert_content("a.csv", text(line3="three", line5="five"))


def test_malformed_pointer_is_a_conflict(project: Repo) -> None:
    project.git("checkout", "-q", "-b", "side")
    project.write("a.csv", b"version git-mlvers/1\noid nonsense\n")
    project.commit("broken")
    project.git("checkout", "-q", "main")
    project.write("a.csv", text(line3="three"))
    project.commit("ours")
    ran = project.fails("merge", "side")
    assert "a.csv: one version is a malformed pointer" in ran.stderr
    project.assert_content("a.csv", text(line3="three"))


def test_by_hand_it_says_who_starts_it(project: Repo) -> None:
    ran = project.fails("mlvers", "merge-driver")
    assert ran.returncode == 129
    assert "started by git" in ran.stderr


def test_files_that_are_not_there(project: Repo) -> None:
    ran = project.fails("mlvers", "merge-driver", "gone1", "gone2", "gone3", "7", "a.bin")
    assert ran.returncode == 129
    assert ran.stderr.startswith("git-mlvers: a.bin: No such file or directory: gone")
