"""Content that is not wanted, not yet here, or nowhere: pointers stay, and one line says why."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, clone, noise, oid_of, pointer_of
from tests.support.project import CLASH, LARGE, MERGED, SECOND, SMALL, TOPIC, Project

if TYPE_CHECKING:
    from pathlib import Path

SKIP = {"MLVERS_SKIP_SMUDGE": "1"}
TRACKED = {name: data for name, data in SECOND.items() if name.endswith(".bin") and data}


@pytest.fixture
def url(pushed: Project, tmp_path: Path) -> str:
    """The address of a bare repository with all of the project's history and content."""
    return (tmp_path / "origin.git").as_uri()


@pytest.fixture
def bare_clone(url: str, tmp_path: Path) -> Project:
    """A clone with pointers only."""
    return Project(clone(url, tmp_path / "clone", env=SKIP).path)


def lose_remote(tmp_path: Path) -> Path:
    """Take the content remote away; where it is now."""
    return (tmp_path / "origin.git" / "mlvers").rename(tmp_path / "away")


class TestSkipped:
    def test_pointers_stay_and_the_tree_is_clean(self, bare_clone: Project) -> None:
        for name, data in TRACKED.items():
            bare_clone.assert_content(name, pointer_of(data))
        bare_clone.assert_clean()
        bare_clone.fsck()

    def test_pull_fills_them_in(self, bare_clone: Project) -> None:
        bare_clone.mlvers("pull")
        bare_clone.assert_tree(SECOND)

    def test_pull_of_a_path(self, bare_clone: Project) -> None:
        bare_clone.mlvers("pull", "large.bin", "data/")
        left = {name for name in TRACKED if name != "large.bin" and not name.startswith("data/")}
        assert set(bare_clone.pointers_on_disk()) == left
        bare_clone.assert_clean()

    def test_pull_from_a_subdirectory(self, bare_clone: Project) -> None:
        bare_clone.mlvers("pull", ".", cwd="data")
        left = {name for name in TRACKED if not name.startswith("data/")}
        assert set(bare_clone.pointers_on_disk()) == left
        bare_clone.assert_clean()

    def test_fetch_and_checkout_by_hand(self, bare_clone: Project, tmp_path: Path) -> None:
        bare_clone.mlvers("fetch")
        assert len(bare_clone.pointers_on_disk()) == len(TRACKED)
        lose_remote(tmp_path)
        bare_clone.mlvers("checkout")
        bare_clone.assert_tree(SECOND)

    def test_fetch_of_another_branch(self, bare_clone: Project, tmp_path: Path) -> None:
        bare_clone.mlvers("fetch", "origin/topic")
        lose_remote(tmp_path)
        bare_clone.git("checkout", "-q", "topic")
        bare_clone.mlvers("checkout")
        bare_clone.assert_tree(TOPIC)

    def test_fetch_of_everything(self, bare_clone: Project, tmp_path: Path) -> None:
        bare_clone.mlvers("fetch", "--all")
        lose_remote(tmp_path)
        for branch, files in {"topic": TOPIC, "clash": CLASH, "main": SECOND}.items():
            bare_clone.git("checkout", "-q", "-f", branch)
            bare_clone.mlvers("checkout")
            bare_clone.assert_tree(files)

    def test_git_fetch_brings_no_content(self, bare_clone: Project, pushed: Project) -> None:
        pushed.write("more.bin", noise(LARGE, "more"))
        pushed.commit("more")
        pushed.git("push", "-q", "origin", "main")
        bare_clone.git("fetch", "-q")
        assert not bare_clone.cached_objects()
        bare_clone.git("merge", "-q", "--ff-only", "origin/main")
        bare_clone.assert_content("more.bin", noise(LARGE, "more"))

    def test_setting_for_the_user(self, url: str, tmp_path: Path) -> None:
        Repo(tmp_path).git("config", "--global", "mlvers.skipSmudge", "true")
        made = clone(url, tmp_path / "clone")
        assert len(made.pointers_on_disk()) == len(TRACKED)

    def test_git_moves_pointers_as_it_moves_content(self, bare_clone: Project) -> None:
        bare_clone.git("checkout", "-q", "topic", env=SKIP)
        bare_clone.git("merge", "-q", "main", env=SKIP)
        bare_clone.assert_clean()
        bare_clone.mlvers("pull")
        bare_clone.assert_tree(MERGED)

    def test_checkout_index_leaves_pointers(self, project: Project, tmp_path: Path) -> None:
        project.git("checkout-index", "-a", f"--prefix={tmp_path}/out/", env=SKIP)
        Repo(tmp_path / "out").assert_content("large.bin", pointer_of(SECOND["large.bin"]))


class TestChosen:
    @pytest.mark.parametrize(
        ("include", "exclude", "wanted"),
        [
            ("data/**", None, {"data/deep/new.bin", "data/sp ace/ünïcode.bin"}),
            ("large.bin,small.bin", None, {"large.bin", "small.bin"}),
            (None, "data/**", set(TRACKED) - {"data/deep/new.bin", "data/sp ace/ünïcode.bin"}),
            ("data/**", "*new*", {"data/sp ace/ünïcode.bin"}),
            ("*.bin", "*.bin", set()),
        ],
        ids=["directory", "two files", "exclude", "both", "exclude wins"],
    )
    def test_clone(
        self, url: str, tmp_path: Path, include: str | None, exclude: str | None, wanted: set[str]
    ) -> None:
        options = []
        if include:
            options += ["--config", f"mlvers.fetchInclude={include}"]
        if exclude:
            options += ["--config", f"mlvers.fetchExclude={exclude}"]
        made = clone(url, tmp_path / "clone", *options)
        made.assert_contents({name: TRACKED[name] for name in wanted})
        assert set(made.pointers_on_disk()) == set(TRACKED) - wanted
        made.assert_clean()

    def test_committed_choice_counts_in_a_clone(self, pushed: Project, tmp_path: Path) -> None:
        pushed.write(".mlversconfig", "[mlvers]\n\tfetchExclude = data/**\n")
        pushed.commit("choose")
        pushed.git("push", "-q", "origin", "main")
        made = clone((tmp_path / "origin.git").as_uri(), tmp_path / "clone")
        assert all(name.startswith("data/") for name in made.pointers_on_disk())
        assert len(made.pointers_on_disk()) == 2

    def test_patterns_of_one_command(self, bare_clone: Project) -> None:
        bare_clone.config("mlvers.fetchExclude", "*")
        bare_clone.mlvers("pull", "-I", "*.bin", "-X", "data/**")
        left = {name for name in TRACKED if name.startswith("data/")}
        assert set(bare_clone.pointers_on_disk()) == left

    @pytest.mark.parametrize(
        "words",
        [["large.bin"], ["-I", "large.bin"], ["--", "large.bin"]],
        ids=["path", "pattern", "after dashes"],
    )
    def test_what_is_named_by_hand_is_wanted(self, bare_clone: Project, words: list[str]) -> None:
        bare_clone.config("mlvers.fetchExclude", "*.bin")
        bare_clone.mlvers("pull")
        assert set(bare_clone.pointers_on_disk()) == set(TRACKED)
        bare_clone.mlvers("pull", *words)
        assert set(bare_clone.pointers_on_disk()) == set(TRACKED) - {"large.bin"}

    def test_a_directory_of_which_some_is_excluded(self, bare_clone: Project) -> None:
        bare_clone.config("mlvers.fetchExclude", "*new*")
        bare_clone.mlvers("pull", "data")
        assert "data/deep/new.bin" in bare_clone.pointers_on_disk()
        assert "data/sp ace/ünïcode.bin" not in bare_clone.pointers_on_disk()
        bare_clone.mlvers("pull", "data/deep")
        assert "data/deep/new.bin" not in bare_clone.pointers_on_disk()


class TestNamedWrongly:
    @pytest.mark.parametrize("word", ["nosuch", "../a", "large", "data/*", "main~100"])
    @pytest.mark.parametrize("command", ["pull", "checkout"])
    def test_matches_nothing(self, bare_clone: Project, command: str, word: str) -> None:
        ran = bare_clone.fails("mlvers", command, "large.bin", word)
        assert ran.returncode == 1
        assert f"no tracked file matches '{word}'" in ran.stderr
        assert set(bare_clone.pointers_on_disk()) == set(TRACKED)

    @pytest.mark.parametrize("command", ["pull", "checkout"])
    def test_nothing_is_no_path(self, bare_clone: Project, command: str) -> None:
        assert bare_clone.fails("mlvers", command, "").returncode == 2

    @pytest.mark.parametrize("command", ["pull", "fetch"])
    def test_a_pattern_that_matches_nothing(self, bare_clone: Project, command: str) -> None:
        ran = bare_clone.fails("mlvers", command, "-I", "nosuch*")
        assert ran.returncode == 1
        assert "no tracked file matches 'nosuch*'" in ran.stderr

    def test_what_is_right_already_matches(self, bare_clone: Project) -> None:
        for _ in range(2):
            bare_clone.mlvers("pull", str(bare_clone.file("large.bin")))
            bare_clone.mlvers("pull", "-I", "large.bin")
        bare_clone.mlvers("pull", "readme.txt", "empty.bin")
        bare_clone.remove("large.bin")
        bare_clone.mlvers("checkout", "large.bin")


class TestPullOfRefs:
    def test_brings_what_a_checkout_will_need(self, bare_clone: Project, tmp_path: Path) -> None:
        bare_clone.mlvers("pull", "origin/topic")
        lose_remote(tmp_path)
        bare_clone.git("checkout", "-q", "topic")
        bare_clone.mlvers("checkout")
        bare_clone.assert_tree(TOPIC)

    def test_some_of_it(self, bare_clone: Project, tmp_path: Path) -> None:
        bare_clone.mlvers("pull", "origin/topic", "--", "data")
        lose_remote(tmp_path)
        bare_clone.git("checkout", "-q", "topic", env=SKIP)
        bare_clone.mlvers("checkout")
        here = set(TOPIC) - set(bare_clone.pointers_on_disk())
        assert {name for name in here if TOPIC[name] and name.endswith(".bin")} == {
            name for name in TOPIC if name.startswith("data/") and TOPIC[name]
        }

    def test_a_path_comes_before_a_ref(self, bare_clone: Project) -> None:
        bare_clone.git("branch", "large.bin", "origin/topic")
        bare_clone.mlvers("pull", "large.bin")
        assert set(bare_clone.pointers_on_disk()) == set(TRACKED) - {"large.bin"}


class TestNowhere:
    def test_clone_leaves_pointers_and_says_so(self, url: str, tmp_path: Path) -> None:
        lose_remote(tmp_path)
        said = Repo(tmp_path).run("clone", "-q", url, "clone").stderr
        made = Project(tmp_path / "clone")
        assert set(made.pointers_on_disk()) == set(TRACKED)
        made.assert_clean()
        assert "large.bin" in said
        assert "hint: " in said
        assert "Traceback" not in said
        assert len(said.splitlines()) < 20

    def test_pull_mends_it(self, url: str, tmp_path: Path) -> None:
        away = lose_remote(tmp_path)
        made = Project(clone(url, tmp_path / "clone").path)
        said = made.fails("mlvers", "pull")
        assert said.returncode in (4, 5)
        away.rename(tmp_path / "origin.git" / "mlvers")
        made.mlvers("pull")
        made.assert_tree(SECOND)

    def test_one_lost_file_does_not_stop_the_others(
        self, pushed: Project, url: str, tmp_path: Path
    ) -> None:
        made = Project(clone(url, tmp_path / "clone").path)
        made.write("lost.bin", noise(LARGE, "lost"))
        made.write("lost-small.bin", noise(SMALL, "lost"))
        made.commit("never pushed")
        made.git("push", "-q", "--no-verify", "origin", "main")
        said = pushed.run("pull", "-q").stderr
        pushed.assert_contents(SECOND)
        pushed.assert_content("lost.bin", pointer_of(noise(LARGE, "lost")))
        pushed.assert_content("lost-small.bin", pointer_of(noise(SMALL, "lost")))
        assert "lost.bin" in said
        pushed.assert_clean()

    def test_strict_checkout_fails_before_anything_is_written(
        self, bare_clone: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bare_clone.git("checkout", "-q", "--detach", env=SKIP)
        lose_remote(tmp_path)
        said = bare_clone.fails("checkout", "-q", "topic", env={"MLVERS_STRICT": "1"})
        assert "is not on the remote" in said.stderr
        assert "hint: " in said.stderr
        there = [name for name in TOPIC if TOPIC[name] and bare_clone.file(name).exists()]
        empty = [name for name in there if bare_clone.read(name) == b""]
        assert empty == []
        assert bare_clone.git("rev-parse", "HEAD") == bare_clone.git("rev-parse", "origin/main")

    def test_strict_is_on_in_ci(
        self, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lose_remote(tmp_path)
        monkeypatch.setenv("CI", "true")
        said = Repo(tmp_path).fails("clone", "-q", url, "clone")
        assert "is not on the remote" in said.stderr

    @pytest.mark.parametrize("command", [["archive", "HEAD"], ["cat-file", "--filters"]])
    def test_what_goes_to_a_stream_says_so(
        self, bare_clone: Project, tmp_path: Path, command: list[str]
    ) -> None:
        lose_remote(tmp_path)
        words = [*command, "large.bin"] if command[0] == "archive" else [*command, "HEAD:large.bin"]
        ran = bare_clone.run(*words)
        assert pointer_of(SECOND["large.bin"]).decode() in ran.stdout
        assert "large.bin" in ran.stderr

    def test_lost_cache_is_filled_from_the_remote(self, pushed: Project) -> None:
        pushed.drop_cache()
        pushed.git("checkout", "-q", "topic")
        pushed.assert_tree(TOPIC)

    def test_cherry_pick_of_two_commits_without_a_cache(self, pushed: Project) -> None:
        pushed.drop_cache()
        pushed.git("cherry-pick", "v1..topic")
        pushed.assert_tree(MERGED)

    def test_rebase_without_a_cache(self, pushed: Project) -> None:
        pushed.git("checkout", "-q", "topic")
        pushed.drop_cache()
        pushed.git("rebase", "-q", "main")
        pushed.assert_tree(MERGED)

    def test_damaged_content_in_the_cache_is_fetched_anew(self, pushed: Project) -> None:
        for path in (pushed.cache_dir() / "objects").glob("??/??/*"):
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:-1] + b"?")
        pushed.git("checkout", "-q", "topic")
        pushed.assert_tree(TOPIC)
        assert oid_of(TOPIC["topic.bin"]) in pushed.cached_objects()
        assert list((pushed.cache_dir() / "bad").iterdir())

    def test_content_comes_from_another_remote(self, pushed: Project, tmp_path: Path) -> None:
        for name in ("first", "second"):
            pushed.mlvers("remote", "add", "--local", name, str(tmp_path / name))
        pushed.mlvers("push", "--all", "--remote", "second")
        assert pushed.mlvers("remote", "default") == "first"
        pushed.git("checkout", "-q", "v1")
        pushed.drop_cache()
        shutil.rmtree(tmp_path / "origin.git" / "mlvers")
        pushed.git("checkout", "-q", "topic")
        pushed.assert_tree(TOPIC)
