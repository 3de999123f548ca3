"""``git mlvers repro``: which stages run, and what becomes of what they make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.git import Repo, noise, oid_of
from tests.support.pipelines import ALL, CHAIN, RAN, RESTORED, SKIPPED, Pipelines, chain, seed

if TYPE_CHECKING:
    from pathlib import Path


class TestFirstRun:
    def test_all_stages_in_their_order(self, installed: Path, tmp_path: Path) -> None:
        repo = chain(tmp_path / "work")
        said = repo.repro()
        assert repo.ran() == ALL
        assert [said.index(RAN.format(name)) for name in ALL] == sorted(
            said.index(RAN.format(name)) for name in ALL
        )
        assert "> cat source.txt > first.txt" in said
        assert said.count("Generating lock file 'mlvers.lock'") == 1
        assert said.count("Updating lock file 'mlvers.lock'") == 3
        assert [line.split()[0] for line in repo.facts()] == ALL
        assert repo.read("second.txt") == b"source\nother\n"

    def test_the_seed(self, installed: Path, tmp_path: Path) -> None:
        repo = seed(tmp_path / "work")
        said = repo.repro()
        for name in ("get_data", "featurize", "train", "evaluate"):
            assert RAN.format(name) in said
        # What .gitignore hides is staged all the same.
        staged = repo.git("diff", "--cached", "--name-only").splitlines()
        assert set(staged) == {
            *(".gitattributes", "mlvers.lock", "assets/metrics.json"),
            *("assets/data/train.csv", "assets/data/test.csv"),
            *("assets/features/train_features.csv", "assets/models/model.joblib"),
        }
        said = repo.repro()
        assert SKIPPED.format("train") in said
        assert said.endswith("Data and pipelines are up to date.\n")

    def test_what_is_staged_is_not_read_again(self, installed: Path, tmp_path: Path) -> None:
        repo = fresh(tmp_path)
        repo.attributes("*.bin")
        repo.write("big", noise(300_000))
        repo.write(
            "dvc.yaml",
            "stages:\n  copy:\n    cmd: cp big big.bin\n    deps: [big]\n    outs: [big.bin]\n",
        )
        repo.repro()
        assert repo.pointer("big.bin", "").oid == oid_of(noise(300_000))
        repo.commit("ran")
        repo.assert_content("big.bin", noise(300_000))
        assert repo.repro().endswith("Data and pipelines are up to date.\n")
        repo.assert_status()

    def test_autostage_can_be_turned_off(self, installed: Path, tmp_path: Path) -> None:
        repo = chain(tmp_path / "work")
        repo.config("mlvers.autostage", "false")
        said = repo.repro()
        assert repo.git("diff", "--cached", "--name-only") == ""
        assert "git add -f" in said
        assert repo.outcome()["skipped"] == ALL

    def test_large_outputs_are_tracked_by_themselves(self, installed: Path, tmp_path: Path) -> None:
        repo = fresh(tmp_path)
        large, small = noise(1 << 20), b"small\n"
        repo.write("in", large)
        repo.write(".gitignore", "models\n")
        repo.write(
            "dvc.yaml",
            "stages:\n  make:\n    cmd: mkdir models && cp in models/large && cp in plain"
            " && echo small > small\n    deps: [in]\n"
            "    outs: [models, small, plain: {cache: false}]\n",
        )
        assert "Tracking /models/**" in repo.repro()
        repo.git("add", "-A")
        repo.git("commit", "-q", "-m", "ran")
        repo.assert_pointer("models/large", large)
        repo.assert_not_pointer("small", small)
        repo.assert_not_pointer("plain", large)
        assert repo.outcome()["skipped"] == ["make"]
        repo.assert_status()

    def test_lock_files_are_merged_by_union(self, repo: Pipelines) -> None:
        assert repo.git("check-attr", "merge", "mlvers.lock") == "mlvers.lock: merge: union"


class TestWhatIsDifferent:
    def test_nothing(self, repo: Pipelines) -> None:
        said = repo.repro()
        assert [SKIPPED.format(name) in said for name in ALL] == [True] * 3
        assert said.endswith("Data and pipelines are up to date.\n")
        assert repo.ran() == []
        repo.assert_status()

    def test_content_of_a_dependency(self, repo: Pipelines) -> None:
        repo.write("other.txt", "changed\n")
        said = repo.repro()
        assert SKIPPED.format("first") in said
        assert repo.ran() == ["second", "third"]
        assert repo.read("second.txt") == b"source\nchanged\n"

    def test_a_dependency_that_is_touched_only(self, repo: Pipelines) -> None:
        repo.write("other.txt", "other\n")
        assert repo.outcome()["skipped"] == ALL

    def test_a_result_that_stays_the_same_ends_it(self, repo: Pipelines) -> None:
        repo.write("dvc.yaml", CHAIN.replace("cat first.txt other.txt", "cat first.txt other.txt "))
        found = repo.outcome()
        assert found["ran"] == ["second"]
        assert found["skipped"] == ["first", "third"]

    def test_the_command(self, repo: Pipelines) -> None:
        repo.write("dvc.yaml", CHAIN.replace("wc -c", "wc -l"))
        assert repo.outcome()["ran"] == ["third"]
        assert repo.read("third.txt").strip() == b"2"

    def test_a_new_dependency(self, repo: Pipelines) -> None:
        repo.write("new.txt", "new\n")
        repo.write("dvc.yaml", CHAIN.replace("[source.txt]", "[source.txt, new.txt]"))
        assert repo.outcome()["ran"] == ["first"]

    def test_a_dependency_that_moves(self, repo: Pipelines) -> None:
        repo.git("mv", "other.txt", "elsewhere.txt")
        repo.write("dvc.yaml", CHAIN.replace("other.txt", "elsewhere.txt"))
        found = repo.outcome()
        assert found["ran"] == ["second"]
        assert found["skipped"] == ["first", "third"]

    def test_a_new_output(self, repo: Pipelines) -> None:
        changed = CHAIN.replace("> first.txt &&", "> first.txt && touch more.txt &&")
        changed = changed.replace("outs: [first.txt]", "outs: [first.txt, more.txt]")
        repo.write("dvc.yaml", changed)
        assert repo.outcome()["ran"] == ["first"]
        assert "more.txt" in repo.git("diff", "--cached", "--name-only").splitlines()

    def test_a_lock_file_that_is_gone(self, repo: Pipelines) -> None:
        before = repo.facts()
        repo.remove("mlvers.lock")
        assert repo.outcome()["skipped"] == ALL
        assert repo.facts() == before

    def test_no_lock_file_and_no_run_cache(self, repo: Pipelines) -> None:
        repo.remove("mlvers.lock")
        repo.git("update-ref", "-d", "refs/mlvers/runs")
        assert repo.outcome()["ran"] == ALL

    def test_a_folder_and_a_file_in_it(self, installed: Path, tmp_path: Path) -> None:
        repo = fresh(tmp_path)
        repo.write("data/a.txt", "a\n")
        repo.write("data/sub/b.txt", "b\n")
        repo.write(".gitignore", "__pycache__\n")
        repo.write(
            "dvc.yaml",
            "stages:\n  join:\n    cmd: cat data/*.txt data/sub/* > all\n"
            "    deps: [./data/]\n    outs: [all]\n",
        )
        repo.repro()
        assert repo.outcome()["skipped"] == ["join"]
        repo.write("data/__pycache__/x.pyc", "what Git ignores does not count")
        assert repo.outcome()["skipped"] == ["join"]
        repo.write("data/sub/b.txt", "c\n")
        assert repo.outcome()["ran"] == ["join"]
        repo.write("data/new.txt", "d\n")
        assert repo.outcome()["ran"] == ["join"]
        repo.remove("data/new.txt")
        assert repo.outcome()["restored"] == ["join"]

    def test_tracking_a_file_changes_nothing(self, repo: Pipelines) -> None:
        repo.attributes("second.txt", "source.txt")
        repo.git("add", "--renormalize", ".")
        repo.commit("tracked")
        repo.assert_pointer("second.txt", b"source\nother\n")
        assert repo.outcome()["skipped"] == ALL

    def test_params_by_key(self, installed: Path, tmp_path: Path) -> None:
        repo = seed(tmp_path / "work")
        repo.repro()
        params = repo.file("params.yaml")
        params.write_text(params.read_text().replace("C: 1\n", "C: 10\n"))
        found = repo.outcome()
        assert found["skipped"] == ["get_data", "featurize"]
        assert found["ran"] == ["train", "evaluate"]
        params.write_text("# said otherwise\n" + params.read_text())
        assert repo.outcome()["ran"] == []

    def test_a_stage_without_dependencies_runs_once(self, installed: Path, tmp_path: Path) -> None:
        repo = fresh(tmp_path)
        repo.write("dvc.yaml", "stages:\n  make:\n    cmd: echo made > made\n    outs: [made]\n")
        assert repo.outcome()["ran"] == ["make"]
        assert repo.outcome()["skipped"] == ["make"]

    def test_a_stage_with_neither_runs_always(self, installed: Path, tmp_path: Path) -> None:
        repo = fresh(tmp_path)
        repo.write("dvc.yaml", "stages:\n  tell:\n    cmd: echo ran tell >> log\n")
        repo.repro()
        repo.repro()
        assert repo.ran() == ["tell", "tell"]

    def test_always_changed(self, repo: Pipelines) -> None:
        repo.write(
            "dvc.yaml", CHAIN.replace("  second:\n", "  second:\n    always_changed: true\n")
        )
        found = repo.outcome()
        assert found["ran"] == ["second"]
        assert found["skipped"] == ["first", "third"]


class TestOptions:
    def test_dry(self, repo: Pipelines) -> None:
        repo.write("source.txt", "changed\n")
        said = repo.repro("--dry")
        assert all(RAN.format(name) in said for name in ALL)
        assert repo.ran() == []
        assert repo.read("first.txt") == b"source\n"
        repo.assert_status(" M source.txt")

    def test_force(self, repo: Pipelines) -> None:
        assert repo.outcome("--force")["ran"] == ALL
        assert repo.outcome("--force", "--single-item", "second")["ran"] == ["second"]

    def test_a_target_and_what_it_needs(self, repo: Pipelines) -> None:
        repo.write("source.txt", "changed\n")
        assert repo.outcome("second")["ran"] == ["first", "second"]
        assert repo.outcome("third.txt")["ran"] == ["third"]

    def test_single_item(self, repo: Pipelines) -> None:
        repo.write("source.txt", "changed\n")
        found = repo.outcome("--single-item", "third", "second")
        assert found["ran"] == []
        assert sorted(found["skipped"]) == ["second", "third"]

    def test_downstream(self, repo: Pipelines) -> None:
        repo.write("source.txt", "changed\n")
        repo.write("other.txt", "changed\n")
        assert repo.outcome("--downstream", "second")["ran"] == ["second", "third"]

    def test_force_downstream(self, repo: Pipelines) -> None:
        repo.write("dvc.yaml", CHAIN.replace("cat first.txt other.txt", "cat first.txt other.txt "))
        found = repo.outcome("--force-downstream")
        assert found["ran"] == ["second", "third"]
        assert found["skipped"] == ["first"]

    def test_frozen(self, repo: Pipelines) -> None:
        repo.write("dvc.yaml", CHAIN.replace("  second:\n", "  second:\n    frozen: true\n"))
        repo.write("source.txt", "changed\n")
        found = repo.outcome("third")
        assert found["ran"] == []
        assert "first" not in found["skipped"]
        repo.remove("second.txt")
        assert "'second' is frozen" in repo.repro_fails("third")

    def test_no_run_cache(self, repo: Pipelines) -> None:
        repo.write("other.txt", "changed\n")
        repo.repro()
        repo.write("other.txt", "other\n")
        repo.ran()
        assert repo.outcome("--no-run-cache")["ran"] == ["second", "third"]

    def test_another_folder_and_all_pipelines(self, repo: Pipelines) -> None:
        repo.write(
            "sub/dvc.yaml",
            "stages:\n  make:\n    cmd: cat ../source.txt > made\n"
            "    deps: [../source.txt]\n    outs: [made]\n",
        )
        said = repo.repro(cwd="sub")
        assert RAN.format("sub/dvc.yaml:make") in said
        assert "first" not in said
        assert [line.split()[0] for line in repo.facts("sub/mlvers.lock")] == ["make"]
        found = repo.outcome("--all-pipelines")
        assert found["skipped"] == [*ALL, "sub/dvc.yaml:make"]

    def test_keep_going(self, repo: Pipelines) -> None:
        failing = "  fails:\n    cmd: exit 3\n    deps: [source.txt]\n    outs: [nothing]\n"
        after = "  after:\n    cmd: touch after\n    deps: [nothing]\n    outs: [after]\n"
        repo.write("dvc.yaml", CHAIN.replace("stages:\n", f"stages:\n{failing}{after}"))
        repo.write("source.txt", "changed\n")
        found = repo.outcome("--keep-going", check=False)
        assert found["ran"] == ALL
        assert found["failed"] == ["fails"]
        assert found["blocked"] == ["after"]
        assert repo.run("mlvers", "repro", "-k", check=False).returncode == 1
        assert "stage 'fails' failed: `exit 3` exited with code 3" in repo.repro_fails()


class TestRunCache:
    def test_what_ran_before_is_not_run_again(self, repo: Pipelines) -> None:
        repo.write("other.txt", "changed\n")
        repo.repro()
        repo.ran()
        repo.write("other.txt", "other\n")
        said = repo.repro()
        assert SKIPPED.format("first") in said
        assert RESTORED.format("second") in said
        assert RESTORED.format("third") in said
        assert repo.ran() == []
        assert repo.read("second.txt") == b"source\nother\n"
        repo.assert_status()

    def test_outputs_that_were_deleted(self, repo: Pipelines) -> None:
        repo.remove("first.txt")
        repo.remove("third.txt")
        assert repo.outcome()["restored"] == ["first", "third"]
        repo.assert_status()

    def test_a_clone_has_no_run_cache_and_needs_none(self, repo: Pipelines, tmp_path: Path) -> None:
        other = Pipelines(repo.clone_to(tmp_path / "clone").path)
        assert other.outcome()["skipped"] == ALL
        other.remove("second.txt")
        assert other.outcome()["restored"] == ["second"]
        assert other.ran() == []
        other.assert_status()

    def test_large_outputs_come_from_the_cache(self, installed: Path, tmp_path: Path) -> None:
        repo = fresh(tmp_path)
        repo.attributes("*.bin")
        repo.write("in.bin", noise(300_000, "one"))
        repo.write(
            "dvc.yaml",
            "stages:\n  copy:\n    cmd: mkdir -p out && cp in.bin out/\n"
            "    deps: [in.bin]\n    outs: [out]\n",
        )
        repo.repro()
        repo.commit("one")
        repo.write("in.bin", noise(300_000, "two"))
        assert repo.outcome()["ran"] == ["copy"]
        repo.write("in.bin", noise(300_000, "one"))
        assert repo.outcome()["restored"] == ["copy"]
        repo.assert_content("out/in.bin", noise(300_000, "one"))
        repo.assert_status()

    def test_the_newest_of_several_results(self, installed: Path, tmp_path: Path) -> None:
        repo = fresh(tmp_path)
        repo.write("in", "in\n")
        repo.write("count", "")
        repo.write(
            "dvc.yaml",
            "stages:\n  draw:\n    cmd: echo x >> count && wc -l < count > drawn\n"
            "    deps: [in]\n    outs: [drawn]\n",
        )
        repo.repro()
        repo.repro("--force")
        repo.remove("drawn")
        repo.remove("mlvers.lock")
        repo.git("rm", "-q", "--cached", "drawn")
        assert repo.outcome()["restored"] == ["draw"]
        assert repo.read("drawn").strip() == b"2"

    def test_an_empty_folder(self, installed: Path, tmp_path: Path) -> None:
        repo = fresh(tmp_path)
        repo.write("in", "1\n")
        repo.write(
            "dvc.yaml",
            "stages:\n  make:\n    cmd: mkdir empty && cp in full\n"
            "    deps: [in]\n    outs: [empty, full]\n",
        )
        repo.repro()
        repo.write("in", "2\n")
        repo.repro()
        repo.write("in", "1\n")
        assert repo.outcome()["restored"] == ["make"]
        assert list(repo.file("empty").iterdir()) == []
        assert repo.outcome()["skipped"] == ["make"]

    def test_persistent_outputs_count_as_they_were_before(
        self, installed: Path, tmp_path: Path
    ) -> None:
        repo = fresh(tmp_path)
        repo.write("in", "1\n")
        repo.write(
            "dvc.yaml",
            "stages:\n  add:\n    cmd: cat in >> sum\n    deps: [in]\n"
            "    outs:\n    - sum: {persist: true}\n",
        )
        repo.repro()
        assert repo.outcome()["skipped"] == ["add"]
        repo.write("in", "2\n")
        repo.repro()
        assert repo.read("sum") == b"1\n2\n"
        repo.write("in", "1\n")
        assert repo.outcome()["ran"] == ["add"]
        assert repo.read("sum") == b"1\n2\n1\n"
        repo.write("in", "2\n")
        repo.write("sum", "1\n")
        assert repo.outcome()["restored"] == ["add"]
        assert repo.read("sum") == b"1\n2\n"

    def test_nothing_is_recorded_by_dry(self, installed: Path, tmp_path: Path) -> None:
        repo = chain(tmp_path / "work")
        repo.repro("--dry")
        assert repo.facts() == []
        assert repo.git("for-each-ref", "refs/mlvers") == ""


def fresh(tmp_path: Path) -> Pipelines:
    """An empty repository."""
    return Pipelines(Repo.init(tmp_path / "work").path)
