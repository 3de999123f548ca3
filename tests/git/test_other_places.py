"""Working trees beside the first, parts of one, and content sent elsewhere than to a file."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, clone, noise, pointer_of
from tests.support.project import FIRST, LARGE, SECOND, SMALL, TOPIC, Project, Witness

if TYPE_CHECKING:
    from pathlib import Path


def test_worktree(project: Project, tmp_path: Path, witness: Witness) -> None:
    witness.watch(project)
    project.git("worktree", "add", "-q", str(tmp_path / "beside"), "topic")
    beside = Project(tmp_path / "beside")
    beside.assert_tree(TOPIC)
    project.assert_tree(SECOND)
    assert witness.ran() == {"post-checkout"}


def test_worktrees_share_the_cache(project: Project, tmp_path: Path) -> None:
    project.git("worktree", "add", "-q", str(tmp_path / "beside"), "topic")
    beside = Project(tmp_path / "beside")
    beside.write("fresh.bin", noise(LARGE, "fresh"))
    beside.commit("from the worktree")
    project.git("checkout", "-q", "--detach", "topic")
    project.assert_tree(TOPIC | {"fresh.bin": noise(LARGE, "fresh")})


def test_commit_and_switch_in_a_worktree(project: Project, tmp_path: Path) -> None:
    project.git("worktree", "add", "-q", "--detach", str(tmp_path / "beside"), "v1")
    beside = Project(tmp_path / "beside")
    beside.git("checkout", "-q", "topic")
    beside.assert_tree(TOPIC)
    beside.git("merge", "-q", "main")
    assert beside.pointers_on_disk() == []
    beside.assert_whole()


@pytest.mark.parametrize("cone", ["--cone", "--no-cone"])
def test_sparse_checkout(project: Project, witness: Witness, cone: str) -> None:
    witness.watch(project)
    project.git("sparse-checkout", "set", cone, "data/deep" if cone == "--cone" else "/data/deep/")
    assert not project.file("data/sp ace").exists()
    project.assert_whole()
    project.git("checkout", "-q", "v1")
    project.assert_content("data/deep/down/large.bin", FIRST["data/deep/down/large.bin"])
    project.assert_whole()
    project.git("sparse-checkout", "disable")
    project.assert_tree(FIRST)
    witness.ran()


def test_sparse_index(project: Project) -> None:
    project.git("sparse-checkout", "set", "--cone", "--sparse-index", "data/deep")
    project.git("checkout", "-q", "v1")
    project.assert_whole()
    project.git("sparse-checkout", "add", "data/sp ace")
    project.assert_content("data/sp ace/ünïcode.bin", FIRST["data/sp ace/ünïcode.bin"])
    project.assert_whole()


def test_submodule(pushed: Project, tmp_path: Path) -> None:
    outer = Repo.init(tmp_path / "outer")
    outer.git("submodule", "--quiet", "add", str(tmp_path / "origin.git"), "inner")
    outer.git("commit", "-q", "-m", "with a submodule")
    inner = Project(outer.path / "inner")
    inner.assert_tree(SECOND)
    inner.git("checkout", "-q", "v1")
    outer.commit("older")
    inner.assert_tree(FIRST)
    inner.git("checkout", "-q", "main")
    outer.git("submodule", "--quiet", "update")
    inner.assert_tree(FIRST)


def test_clone_with_submodules(pushed: Project, tmp_path: Path) -> None:
    outer = Repo.init(tmp_path / "outer")
    outer.attributes("*.bin")
    outer.write("outer.bin", noise(LARGE, "outer"))
    outer.git("submodule", "--quiet", "add", str(tmp_path / "origin.git"), "inner")
    outer.commit("with a submodule")
    copy = outer.clone_to(tmp_path / "copy", "--recurse-submodules")
    copy.assert_content("outer.bin", noise(LARGE, "outer"))
    Project(copy.path / "inner").assert_tree(SECOND)


def test_bisect_run(project: Project, witness: Witness) -> None:
    for number in range(6):
        project.write("large.bin", noise(LARGE, f"step {number}"))
        project.commit(f"step {number}")
    first_bad = project.head("HEAD~2")
    witness.watch(project)
    wanted = noise(LARGE, "step 3")[:8].hex()
    later = [noise(LARGE, f"step {number}")[:8].hex() for number in (4, 5)]
    script = (
        "! grep -rl --exclude-dir=.git '^version git-mlvers/' . || exit 255\n"
        'test -z "$(git status --porcelain)" || exit 255\n'
        "start=$(head -c 8 large.bin | od -An -tx1 | tr -d ' \\n')\n"
        f"case $start in {wanted}|{'|'.join(later)}) exit 1;; esac\n"
    )
    (project.path.parent / "look.sh").write_text(script)
    project.git("bisect", "start", "HEAD", "v1")
    project.git("bisect", "run", "sh", "../look.sh")
    assert project.head("refs/bisect/bad") == first_bad
    project.git("bisect", "reset")
    project.assert_whole()
    witness.ran()


def test_archive(project: Project) -> None:
    data = project.git_bytes("archive", "--format=tar", "topic")
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {
            member.name: file.read()
            for member in tar
            if (file := tar.extractfile(member)) is not None
        }
    found.pop(".gitattributes")
    assert found == TOPIC


def test_archive_of_a_bare_repository(pushed: Project, tmp_path: Path) -> None:
    bare = clone(str(tmp_path / "origin.git"), tmp_path / "bare.git", "--bare")
    data = bare.git_bytes("archive", "--format=tar", "main", "large.bin")
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        file = tar.extractfile("large.bin")
        assert file is not None
        assert file.read() == SECOND["large.bin"]


@pytest.mark.parametrize("name", ["large.bin", "small.bin", "empty.bin"])
def test_cat_file_with_filters(project: Project, name: str) -> None:
    assert project.git_bytes("cat-file", "--filters", f"HEAD:{name}") == SECOND[name]
    if SECOND[name]:
        assert project.git_bytes("cat-file", "blob", f"HEAD:{name}") == pointer_of(SECOND[name])


def test_cat_file_in_a_batch_with_filters(project: Project) -> None:
    names = ("large.bin", "small.bin", "tool.bin")
    asked = "".join(f"HEAD:{name} {name}\n" for name in names)
    said = project.run("cat-file", "--batch", "--filters", stdin=asked).stdout
    for name in names:
        assert SECOND[name] in said.encode(errors="surrogateescape")


def test_checkout_index(project: Project, tmp_path: Path) -> None:
    project.git("checkout-index", "-a", f"--prefix={tmp_path}/exported/")
    Repo(tmp_path / "exported").assert_contents(SECOND)
    for name in SECOND:
        project.remove(name)
    project.git("checkout-index", "-a", "-q", "-u")
    project.assert_contents(SECOND)
    project.assert_status()


def test_checkout_index_to_temporary_files(project: Project) -> None:
    said = project.git("checkout-index", "--temp", "--", "large.bin")
    temporary = said.partition("\t")[0]
    assert project.read(temporary) == SECOND["large.bin"]


def test_difftool_of_directories(project: Project, tmp_path: Path) -> None:
    look = f'cp -rL "$LOCAL" {tmp_path}/left; cp -rL "$REMOTE" {tmp_path}/right'
    project.config("difftool.look.cmd", look)
    project.git("difftool", "-d", "--no-prompt", "--tool=look", "v1", "main")
    for name in ("large.bin", "small.bin"):
        Repo(tmp_path / "left").assert_content(name, FIRST[name])
        Repo(tmp_path / "right").assert_content(name, SECOND[name])


def test_difftool_of_a_file(project: Project, tmp_path: Path) -> None:
    project.write("large.bin", noise(LARGE, "edited"))
    look = f'cp "$LOCAL" {tmp_path}/left; cp "$REMOTE" {tmp_path}/right'
    project.config("difftool.look.cmd", look)
    project.git("difftool", "--no-prompt", "--tool=look", "--", "large.bin")
    Repo(tmp_path).assert_contents({"left": SECOND["large.bin"], "right": noise(LARGE, "edited")})


def test_history_and_search_start_no_filter(project: Project) -> None:
    for command in (
        ["log", "-p", "--stat", "--all"],
        ["diff", "v1", "main"],
        ["diff", "--cached"],
        ["show", "HEAD"],
        ["grep", "-I", "plain", "v1"],
        ["fast-export", "--all"],
        ["ls-files", "-s"],
    ):
        assert project.filter_starts(*command) == 0, command


def test_blame_of_a_plain_file_and_of_a_tracked_one(project: Project) -> None:
    assert "plain text" in project.git("blame", "readme.txt")
    assert "git-mlvers" in project.git("blame", "HEAD", "--", "large.bin")


def test_filter_branch(project: Project, tmp_path: Path) -> None:
    drop = "git rm -q --cached --ignore-unmatch kept.bin"
    quiet = {"FILTER_BRANCH_SQUELCH_WARNING": "1"}
    project.git("filter-branch", "-f", "--index-filter", drop, "--", "--all", env=quiet)
    project.assert_tree({name: data for name, data in SECOND.items() if name != "kept.bin"})
    script = "cp large.bin copied.bin; ! grep -l '^version git-mlvers/' *.bin"
    project.git("filter-branch", "-f", "--tree-filter", script, "--", "main", env=quiet)
    project.assert_pointer("copied.bin", SECOND["large.bin"])
    project.assert_content("copied.bin", SECOND["large.bin"])
    project.assert_whole()


def test_fast_export_and_import(project: Project, tmp_path: Path) -> None:
    stream = project.git_bytes("fast-export", "--all")
    other = Repo.init(tmp_path / "imported")
    other.run("fast-import", "--quiet", stdin=stream)
    assert other.head("main") == project.head("main")
    other.git("config", "mlvers.cacheDir", str(project.cache_dir()))
    other.git("checkout", "-q", "main")
    other.assert_contents(SECOND)
    other.assert_whole()


def test_hash_object_gives_the_id_of_the_pointer(project: Project) -> None:
    data = noise(SMALL, "hashed")
    said = project.git("hash-object", "--stdin", "--path=some.bin", stdin=data)
    plain = project.git("hash-object", "--stdin", "--no-filters", stdin=pointer_of(data))
    assert said == plain


def test_add_patch_and_intent_to_add(project: Project) -> None:
    project.write("intended.bin", noise(LARGE, "intended"))
    project.git("add", "-N", "intended.bin")
    project.git("commit", "-q", "-a", "-m", "intended")
    project.assert_pointer("intended.bin", noise(LARGE, "intended"))
    project.write("large.bin", noise(LARGE, "patched"))
    project.git("add", "-p", "large.bin", stdin="y\n")
    project.assert_pointer("large.bin", noise(LARGE, "patched"), rev="")


def test_renamed_and_removed(project: Project) -> None:
    project.git("mv", "large.bin", "data/moved.bin")
    project.git("rm", "-q", "small.bin")
    project.git("commit", "-q", "-m", "moved")
    wanted = {name: data for name, data in SECOND.items() if name not in {"large.bin", "small.bin"}}
    project.assert_tree(wanted | {"data/moved.bin": SECOND["large.bin"]})
