"""Commands that bring the work of several commits together: merge, rebase, stash and the like."""

from __future__ import annotations

import pytest

from tests.support.git import noise, pointer_of
from tests.support.project import (
    CLASH,
    FIRST,
    LARGE,
    MERGED,
    SECOND,
    SMALL,
    TOPIC,
    Project,
    Witness,
)

TOPIC_ONE = {"topic.bin": noise(LARGE, "topic one"), "notes.txt": b"one\n"}


def test_merge_fast_forward(project: Project, witness: Witness) -> None:
    project.git("checkout", "-q", "-b", "behind", "v1")
    witness.watch(project)
    project.git("merge", "-q", "--ff-only", "main")
    project.assert_tree(SECOND)
    assert witness.ran() == {"post-merge"}


@pytest.mark.parametrize("strategy", ["ort", "recursive", "resolve"])
def test_merge(project: Project, witness: Witness, strategy: str) -> None:
    witness.watch(project)
    project.git("merge", "-q", "-s", strategy, "topic")
    project.assert_tree(MERGED)
    assert "post-merge" in witness.ran()


def test_octopus_merge(project: Project, witness: Witness) -> None:
    project.git("checkout", "-q", "-b", "other", "v1")
    project.write("other.bin", noise(LARGE, "other"))
    project.commit("other")
    project.git("checkout", "-q", "main")
    witness.watch(project)
    project.git("merge", "-q", "topic", "other")
    project.assert_tree(MERGED | {"other.bin": noise(LARGE, "other")})
    assert "post-merge" in witness.ran()


def test_merge_without_commit(project: Project) -> None:
    project.git("merge", "-q", "--no-commit", "topic")
    project.assert_contents(MERGED)
    project.git("commit", "-q", "-m", "merged")
    project.assert_tree(MERGED)


def test_squash_merge(project: Project) -> None:
    project.git("merge", "-q", "--squash", "topic")
    project.git("commit", "-q", "-m", "squashed")
    project.assert_tree(MERGED)


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_clash_is_resolved_by_taking_a_side(project: Project, side: str) -> None:
    said = project.fails("merge", "clash")
    assert "CONFLICT" in said.stdout
    project.git("checkout", f"--{side}", "large.bin", "small.bin")
    project.git("add", "large.bin", "small.bin")
    project.git("commit", "-q", "-m", "resolved")
    taken = {"ours": SECOND, "theirs": CLASH}[side]
    project.assert_tree(SECOND | {name: taken[name] for name in ("large.bin", "small.bin")})


def test_clash_leaves_our_content_and_says_what_to_do(project: Project) -> None:
    said = project.fails("merge", "-X", "theirs", "clash")
    # Git does not tell a merge driver of -X.
    assert "git checkout --theirs -- large.bin" in said.stderr
    project.assert_contents({name: SECOND[name] for name in ("large.bin", "small.bin")})
    project.assert_status("UU large.bin", "UU small.bin")


def test_mergetool_is_given_content(project: Project) -> None:
    project.config("merge.tool", "all")
    project.config("mergetool.all.cmd", 'cat "$BASE" "$LOCAL" "$REMOTE" >"$MERGED"')
    project.config("mergetool.all.trustExitCode", "true")
    project.config("mergetool.keepBackup", "false")
    project.fails("merge", "clash")
    project.git("mergetool", "--no-prompt")
    project.git("commit", "-q", "-m", "resolved")
    project.settle()  # The tool has written them, in the second in which git added them.
    together = {
        name: FIRST[name] + SECOND[name] + CLASH[name] for name in ("large.bin", "small.bin")
    }
    project.assert_tree(SECOND | together)
    for name, data in together.items():
        project.assert_pointer(name, data)


def test_merge_is_aborted(project: Project) -> None:
    project.fails("merge", "clash")
    project.git("merge", "--abort")
    project.assert_tree(SECOND)


def test_conflict_of_pointers_as_text_is_passed_through(project: Project) -> None:
    # Without the merge driver, as someone has it whose set-up is older.
    project.attributes("*.bin", attributes="!merge")
    project.commit("no merge driver")
    said = project.fails("merge", "clash")
    assert "CONFLICT" in said.stdout
    text = project.read("large.bin")
    assert b"<<<<<<<" in text
    assert pointer_of(SECOND["large.bin"]).splitlines()[1] in text
    project.git("checkout", "--ours", "large.bin", "small.bin")
    project.assert_contents({name: SECOND[name] for name in ("large.bin", "small.bin")})


@pytest.mark.parametrize("options", [[], ["--rebase"]], ids=["merge", "rebase"])
def test_pull(pushed: Project, witness: Witness, options: list[str]) -> None:
    clone = pushed.clone_to(pushed.path.parent / "clone")
    clone.git("remote", "set-url", "origin", str(pushed.path.parent / "origin.git"))
    pushed.write("pulled.bin", noise(LARGE, "pulled"))
    pushed.write("small.bin", noise(SMALL, "pulled"))
    pushed.commit("more")
    pushed.git("push", "-q", "origin", "main")
    clone.write("mine.bin", noise(LARGE, "mine"))
    clone.commit("mine")
    clone.settle()
    witness.watch(clone)
    clone.git("pull", "-q", "--no-rebase", *options)
    more = {name: noise(LARGE, name[:-4]) for name in ("pulled.bin", "mine.bin")}
    clone.assert_contents(SECOND | more | {"small.bin": noise(SMALL, "pulled")})
    clone.assert_whole()
    assert witness.ran() & {"post-merge", "post-rewrite"}


@pytest.mark.parametrize("backend", ["--merge", "--apply"])
def test_rebase(project: Project, witness: Witness, backend: str) -> None:
    project.git("checkout", "-q", "topic")
    witness.watch(project)
    project.git("rebase", "-q", backend, "main")
    project.assert_tree(MERGED)
    assert "post-rewrite" in witness.ran()


def test_rebase_runs_commands_on_content(project: Project, witness: Witness) -> None:
    project.git("checkout", "-q", "topic")
    witness.watch(project)
    look = "! grep -rl --exclude-dir=.git '^version git-mlvers/' ."
    project.git("rebase", "-q", "--exec", look, "main")
    project.assert_tree(MERGED)
    assert "post-rewrite" in witness.ran()


def test_rebase_runs_status_between_its_commits(project: Project) -> None:
    project.git("checkout", "-q", "topic")
    project.git("rebase", "-q", "--exec", 'test -z "$(git status --porcelain)"', "main")
    project.assert_tree(MERGED)


def test_rebase_with_a_clash(project: Project) -> None:
    project.git("checkout", "-q", "clash")
    project.fails("rebase", "main")
    project.git("checkout", "--theirs", "large.bin", "small.bin")
    project.git("add", "large.bin", "small.bin")
    project.git("rebase", "--continue")
    project.assert_tree(SECOND | {name: CLASH[name] for name in ("large.bin", "small.bin")})


def test_rebase_is_aborted(project: Project) -> None:
    project.git("checkout", "-q", "clash")
    project.fails("rebase", "main")
    project.git("rebase", "--abort")
    project.assert_tree(CLASH)


def test_rebase_with_autostash(project: Project) -> None:
    project.git("checkout", "-q", "topic")
    project.write("kept.bin", noise(LARGE, "stashed"))
    project.git("rebase", "-q", "--autostash", "main")
    project.assert_contents(MERGED | {"kept.bin": noise(LARGE, "stashed")})
    project.assert_status(" M kept.bin")


def test_autosquash(project: Project) -> None:
    project.git("checkout", "-q", "topic")
    project.write("topic.bin", noise(LARGE, "fixed"))
    project.commit("fixup! two")
    project.git("rebase", "-q", "-i", "--autosquash", "v1", env={"GIT_SEQUENCE_EDITOR": "true"})
    assert project.git("rev-list", "--count", "v1..topic") == "2"
    project.assert_tree(TOPIC | {"topic.bin": noise(LARGE, "fixed")})


def test_cherry_pick(project: Project, witness: Witness) -> None:
    witness.watch(project)
    project.git("cherry-pick", "topic~1")
    project.assert_tree(SECOND | TOPIC_ONE)
    assert "post-commit" in witness.ran()


def test_cherry_pick_a_range(project: Project, witness: Witness) -> None:
    witness.watch(project)
    project.git("cherry-pick", "v1..topic")
    project.assert_tree(MERGED)
    assert "post-commit" in witness.ran()


def test_cherry_pick_with_a_clash(project: Project) -> None:
    project.fails("cherry-pick", "clash")
    project.git("checkout", "--theirs", "large.bin", "small.bin")
    project.git("add", "large.bin", "small.bin")
    project.git("cherry-pick", "--continue")
    project.assert_tree(SECOND | {name: CLASH[name] for name in ("large.bin", "small.bin")})


def test_revert(project: Project, witness: Witness) -> None:
    witness.watch(project)
    project.git("revert", "--no-edit", "HEAD")
    project.assert_tree(FIRST)
    assert "post-commit" in witness.ran()


def test_revert_several(project: Project, witness: Witness) -> None:
    project.git("checkout", "-q", "topic")
    witness.watch(project)
    project.git("revert", "--no-edit", "v1..topic")
    project.assert_tree(FIRST)
    assert "post-commit" in witness.ran()


def test_revert_a_merge(project: Project) -> None:
    project.git("merge", "-q", "topic")
    project.git("revert", "--no-edit", "-m", "1", "HEAD")
    project.assert_tree(SECOND)


def test_stash(project: Project) -> None:
    edited = {"large.bin": noise(LARGE, "edited"), "small.bin": noise(SMALL, "edited")}
    project.write_all(edited)
    project.git("stash", "push", "-q")
    project.assert_tree(SECOND)
    project.git("stash", "pop", "-q")
    project.assert_contents(SECOND | edited)
    project.assert_status(" M large.bin", " M small.bin")


def test_stash_of_another_branch(project: Project) -> None:
    project.write("kept.bin", noise(LARGE, "edited"))
    project.git("stash", "push", "-q")
    project.git("checkout", "-q", "topic")
    project.git("stash", "pop", "-q")
    project.assert_contents(TOPIC | {"kept.bin": noise(LARGE, "edited")})
    project.assert_status(" M kept.bin")


def test_stash_with_untracked_files(project: Project) -> None:
    untracked = {"fresh.bin": noise(LARGE, "fresh"), "fresh-small.bin": noise(SMALL, "fresh")}
    project.write_all(untracked)
    project.git("stash", "push", "-q", "-u")
    project.assert_tree(SECOND)
    project.git("stash", "pop", "-q")
    project.assert_contents(SECOND | untracked)
    project.assert_status("?? fresh.bin", "?? fresh-small.bin")


def test_stash_keeps_the_index(project: Project) -> None:
    project.write("large.bin", noise(LARGE, "staged"))
    project.git("add", "large.bin")
    project.write("kept.bin", noise(LARGE, "not staged"))
    project.git("stash", "push", "-q", "--keep-index")
    project.assert_contents(SECOND | {"large.bin": noise(LARGE, "staged")})
    project.git("reset", "-q", "--hard")
    project.git("stash", "pop", "-q", "--index")
    project.assert_status("M  large.bin", " M kept.bin")


def test_autostash_of_a_merge(project: Project) -> None:
    project.write("kept.bin", noise(LARGE, "edited"))
    project.git("merge", "-q", "--autostash", "topic")
    project.assert_contents(MERGED | {"kept.bin": noise(LARGE, "edited")})
    project.assert_status(" M kept.bin")


@pytest.mark.parametrize("full_index", [[], ["--full-index", "--binary"]], ids=["text", "binary"])
def test_mailed_patches(project: Project, witness: Witness, full_index: list[str]) -> None:
    patches = project.git("format-patch", "--stdout", *full_index, "v1..topic")
    witness.watch(project)
    project.git("am", "-q", stdin=patches + "\n")
    project.assert_tree(MERGED)
    assert "post-applypatch" in witness.ran()


def test_three_way_am(project: Project) -> None:
    patches = project.git("format-patch", "--stdout", "v1..topic")
    project.git("checkout", "-q", "v1")
    project.git("am", "-q", "-3", stdin=patches + "\n")
    project.assert_tree(TOPIC)


def test_applied_patch(project: Project) -> None:
    patch = project.git("diff", "v1", "topic")
    project.git("apply", "--index", stdin=patch + "\n")
    project.assert_contents(MERGED)
    project.git("commit", "-q", "-m", "applied")
    project.assert_tree(MERGED)


def test_applied_patch_to_the_working_tree_only(project: Project) -> None:
    patch = project.git("diff", "v1", "topic", "--", "tool.bin")
    project.git("apply", stdin=patch + "\n")
    project.assert_content("tool.bin", TOPIC["tool.bin"])
    project.assert_status(" M tool.bin")


def test_amended_commit(project: Project, witness: Witness) -> None:
    witness.watch(project)
    project.write("large.bin", noise(LARGE, "amended"))
    project.git("commit", "-q", "-a", "--amend", "--no-edit")
    project.settle()
    project.assert_tree(SECOND | {"large.bin": noise(LARGE, "amended")})
    assert witness.ran() == {"post-commit", "post-rewrite"}


def test_commit_of_one_path(project: Project) -> None:
    project.write_all({"large.bin": noise(LARGE, "one"), "kept.bin": noise(LARGE, "two")})
    project.git("commit", "-q", "-m", "one of two", "large.bin")
    project.assert_pointer("large.bin", noise(LARGE, "one"))
    project.assert_status(" M kept.bin")
