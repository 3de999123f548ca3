"""What fsck finds in the cache, in history and on the remote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.git import ATTRIBUTES, Repo, clone, noise, oid_of, pointer_of

if TYPE_CHECKING:
    from pathlib import Path

RAW = ("-c", "filter.mlvers.process=", "-c", "filter.mlvers.clean=", "-c",
       "filter.mlvers.required=false")  # fmt: skip
LARGE = noise(200_000, "large")
SMALL = noise(3000, "small")
RENORMALIZE, RESTORE = "git add --renormalize .", "git checkout COMMIT -- PATH"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:%b\nsize 5\n" % (b"0" * 64)


@pytest.fixture
def project(installed: Path, repo: Repo, tmp_path: Path) -> Repo:
    """A large and a small tracked file, committed and pushed."""
    bare = Repo.init(tmp_path / "origin.git", "--bare")
    repo.mlvers("init")
    repo.git("remote", "add", "origin", str(bare.path))
    repo.attributes("*.bin")
    repo.write_all({"large.bin": LARGE, "small.bin": SMALL, "code.py": b"pass\n"})
    repo.commit("first")
    repo.git("push", "-q", "-u", "origin", "main")
    return repo


def commit_raw(repo: Repo, path: str, data: bytes, message: str = "raw") -> str:
    """Commit `data` at `path` as someone does who has no filter; the commit's id."""
    repo.write(path, data)
    # By name: git would take others for changed that were written in this second.
    repo.git(*RAW, "add", "--", path)
    repo.git(*RAW, "commit", "-q", "-m", message)
    repo.assert_not_pointer(path, data)
    return repo.head()


def problems(repo: Repo, *args: str) -> list[dict[str, str]]:
    """What ``fsck --json`` reports; it exits with 6."""
    ran = repo.fails("mlvers", "fsck", "--json", *args)
    assert ran.returncode == 6, ran.stderr
    found = json.loads(ran.stdout)["problems"]
    assert isinstance(found, list)
    return found


def test_sound_repository(project: Repo) -> None:
    assert "No problem" in project.mlvers("fsck")
    assert project.mlvers("fsck", "-q") == ""


def test_damaged_object_is_moved_away_and_brought_anew(project: Repo) -> None:
    path = next((project.cache_dir() / "objects").glob("??/??/*"))
    path.chmod(0o644)
    path.write_bytes(b"x" * len(LARGE))
    ran = project.fails("mlvers", "fsck", "--objects")
    assert ran.returncode == 6
    assert oid_of(LARGE) in ran.stdout
    assert "git mlvers fetch brings" in ran.stderr
    assert project.cached_objects() == set()
    (kept,) = (project.cache_dir() / "bad").iterdir()
    assert f"({kept})" in ran.stdout
    assert "No problem" in project.mlvers("fsck", "--objects")
    project.remove("large.bin")
    project.git("checkout", "--", "large.bin")
    project.assert_content("large.bin", LARGE)


def test_bit_rot_under_an_unchanged_date_is_found(project: Repo) -> None:
    import os

    path = next((project.cache_dir() / "objects").glob("??/??/*"))
    found = path.stat()
    path.chmod(0o644)
    data = bytearray(LARGE)
    data[100_000] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert [item["kind"] for item in problems(project, "--objects")] == ["damaged"]


def test_damaged_small_object_is_found(project: Repo) -> None:
    pack = next((project.cache_dir() / "packs").glob("*.pack"))
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    data[data.index(SMALL[1000:1100])] ^= 1
    pack.write_bytes(data)
    assert oid_of(SMALL) in json.dumps(problems(project, "--objects"))
    assert "No problem" in project.mlvers("fsck", "--objects")
    project.remove("small.bin")
    project.git("checkout", "--", "small.bin")
    project.assert_content("small.bin", SMALL)


def test_dry_run_moves_nothing(project: Repo) -> None:
    path = next((project.cache_dir() / "objects").glob("??/??/*"))
    path.chmod(0o644)
    path.write_bytes(b"x" * len(LARGE))
    for _ in range(2):
        assert len(problems(project, "--objects", "--dry-run")) == 1
    assert project.cached_objects() == {oid_of(LARGE)}


def test_content_that_is_only_on_the_remote_is_no_problem(project: Repo) -> None:
    project.drop_cache()
    assert "No problem" in project.mlvers("fsck")


def test_content_that_is_nowhere_is_listed(project: Repo) -> None:
    project.write("lost.bin", b"soon lost")
    project.commit("not pushed")
    project.drop_cache()
    found = problems(project, "--objects")
    assert [(item["kind"], item["path"]) for item in found] == [("missing", "lost.bin")]


def test_missing_content_without_a_remote(installed: Path, repo: Repo) -> None:
    repo.mlvers("init")
    repo.attributes("*.bin")
    repo.write("a.bin", LARGE)
    repo.commit()
    repo.drop_cache()
    assert [item["kind"] for item in problems(repo)] == ["missing"]


def test_unreachable_remote_is_an_error_not_an_absence(project: Repo, tmp_path: Path) -> None:
    project.mlvers("remote", "add", "-d", "gone", str(tmp_path / "not/there"))
    project.drop_cache()
    ran = project.fails("mlvers", "fsck", "--objects")
    assert ran.returncode == 5
    assert "large.bin" not in ran.stdout


@pytest.mark.parametrize(
    ("data", "words", "hint"),
    [
        (LARGE, "content instead of a pointer", RENORMALIZE),
        (b"a few bytes", "content instead of a pointer", RENORMALIZE),
        (pointer_of(SMALL).replace(b"\n", b"\r\n"), "a malformed pointer", RESTORE),
        (pointer_of(SMALL) + b"more\n", "a malformed pointer", RESTORE),
        (b"<<<<<<< a\n" + pointer_of(SMALL) + b"=======\n" + pointer_of(LARGE) + b">>>>>>> b\n",
         "a pointer with conflict markers", RESTORE),
        (LFS, "a git-lfs pointer", "docs/how-to/migrate-from-git-lfs.md"),
    ],
    ids=["raw", "tiny", "crlf", "tail", "conflict", "lfs"],
)  # fmt: skip
def test_what_is_no_pointer_on_a_tracked_path(
    project: Repo, data: bytes, words: str, hint: str
) -> None:
    commit = commit_raw(project, "dir/x.bin", data)
    ran = project.fails("mlvers", "fsck", "--pointers")
    assert ran.returncode == 6
    assert "dir/x.bin" in ran.stdout
    assert words in ran.stdout
    assert commit[:10] in ran.stdout
    hints = [line for line in ran.stderr.splitlines() if line.startswith("hint: ")]
    assert len(hints) == 1
    assert hint in hints[0]
    assert ("git add --renormalize" in project.mlvers("status")) == (hint == RENORMALIZE)


def test_range_tells_the_commit_and_leaves_older_ones_alone(project: Repo) -> None:
    first = commit_raw(project, "old.bin", b"old")
    second = commit_raw(project, "new.bin", b"new")
    project.git("rm", "-q", "-f", "new.bin")
    project.git("commit", "-q", "-m", "mended")
    found = problems(project, "--pointers", f"{first}..HEAD")
    assert [(item["path"], item["commit"]) for item in found] == [("new.bin", second)]
    found = problems(project, "--pointers")
    assert [item["path"] for item in found] == ["old.bin"]
    assert "No problem" in project.mlvers("fsck", "--pointers", f"{second}..HEAD")
    assert "No problem" in project.mlvers("fsck", "--pointers", "HEAD~3")


def test_range_sees_what_came_by_a_merge(project: Repo) -> None:
    base = project.head()
    project.git("checkout", "-q", "-b", "side")
    raw = commit_raw(project, "x.bin", b"raw")
    project.git("checkout", "-q", "-f", "main")
    project.write("code.py", b"other\n")
    project.commit("main")
    project.git("merge", "-q", "side", "-m", "merged")
    found = problems(project, "--pointers", f"{base}..HEAD")
    assert {(item["path"], item["commit"]) for item in found} == {("x.bin", raw)}


def test_attributes_of_each_commit_count(project: Repo) -> None:
    base = project.head()
    project.write("data/set.dat", b"raw, and not tracked yet")
    project.commit("untracked")
    assert "No problem" in project.mlvers("fsck", "--pointers", f"{base}..HEAD")
    (project.path / "data/.gitattributes").write_text("[attr]big " + ATTRIBUTES + "\n")
    project.attributes("data/*.dat")
    project.git("add", ".gitattributes")
    project.git("commit", "-q", "-m", "tracked, file not renormalized")
    tracked = project.head()
    found = problems(project, "--pointers", f"{base}..HEAD")
    assert [(item["path"], item["commit"]) for item in found] == [("data/set.dat", tracked)]
    # The attributes of the working tree and of the index play no part.
    project.write(".gitattributes", b"")
    project.git("add", "-A")
    found = problems(project, "--pointers")
    assert [item["path"] for item in found] == ["data/set.dat"]


def test_macro_and_nested_attributes(project: Repo) -> None:
    with project.file(".gitattributes").open("a") as file:
        file.write(f"[attr]big {ATTRIBUTES}\n*.big big\n")
    project.attributes("*.txt", at="text" if project.write("text/a", b"a") else ".")
    project.commit("macro")
    commit_raw(project, "x.big", b"raw")
    commit_raw(project, "text/y.txt", b"raw")
    commit_raw(project, "y.txt", b"not tracked here")
    assert sorted(item["path"] for item in problems(project)) == ["text/y.txt", "x.big"]


def test_pointer_outside_of_tracked_paths_is_a_warning(project: Repo) -> None:
    project.write("stray.txt", pointer_of(SMALL))
    project.commit("stray")
    ran = project.run("mlvers", "fsck", "--pointers")
    assert "stray.txt" in ran.stdout + ran.stderr
    assert "not tracked" in ran.stdout + ran.stderr


def test_links_empty_files_and_submodules_are_fine(project: Repo, make_repo: object) -> None:
    project.file("link.bin").symlink_to("large.bin")
    project.write("empty.bin", b"")
    other = make_repo("other")  # type: ignore[operator]
    other.write("a", b"a")
    other.commit()
    project.git(
        "-c", "protocol.file.allow=always", "submodule", "-q", "add", str(other.path), "s.bin"
    )
    project.commit("special")
    assert "No problem" in project.mlvers("fsck", "--pointers")


def test_unusual_file_names(project: Repo) -> None:
    names = (b"new\nline.bin", b"bytes\xff.bin", b"-dash.bin", "ü.bin".encode())
    for name in names:
        project.write(name, b"raw")
    project.git(*RAW, "add", "--", *names)
    project.git(*RAW, "commit", "-q", "-m", "names")
    ran = project.fails("mlvers", "fsck", "--pointers")
    assert '"new\\nline.bin"' in ran.stdout
    assert len(problems(project, "--pointers")) == 4


def test_remote_index_and_data(project: Repo, tmp_path: Path) -> None:
    assert "No problem" in project.mlvers("fsck", "--remote")
    assert "No problem" in project.mlvers("fsck", "--remote", "--read-data")
    content = tmp_path / "origin.git/mlvers/content/packs"
    pack = next(path for path in content.rglob("*") if path.is_file())
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    data[500] ^= 1
    pack.write_bytes(data)
    assert problems(project, "--remote", "--read-data")
    pack.unlink()
    assert problems(project, "--remote")


def test_unknown_revision(project: Repo) -> None:
    ran = project.fails("mlvers", "fsck", "no-such-ref")
    assert "no-such-ref" in ran.stderr


def test_repository_without_a_commit(installed: Path, repo: Repo) -> None:
    assert "No problem" in repo.mlvers("fsck")


def test_bare_repository(project: Repo, tmp_path: Path) -> None:
    commit_raw(project, "x.bin", b"raw")
    project.git("push", "-q")
    found = problems(Repo(tmp_path / "origin.git"), "--pointers")
    assert [item["path"] for item in found] == ["x.bin"]


def test_partial_clone_without_checkout(project: Repo, tmp_path: Path) -> None:
    base = project.head()
    commit_raw(project, "long.bin", LARGE)
    commit_raw(project, "short.bin", b"short")
    project.git("push", "-q")
    bare = Repo(tmp_path / "origin.git")
    bare.config("uploadpack.allowFilter", "true")
    bare.config("uploadpack.allowAnySHA1InWant", "true")
    partial = clone(
        f"file://{bare.path}", tmp_path / "partial", "--filter=blob:none", "--no-checkout"
    )
    for revision in ("HEAD", f"{base}..HEAD"):
        found = problems(partial, "--pointers", revision)
        assert sorted(item["path"] for item in found) == ["long.bin", "short.bin"]
    absent = partial.git("rev-list", "--objects", "--missing=print", "HEAD").splitlines()
    long = project.git("rev-parse", "HEAD:long.bin")
    assert f"?{long}" in absent, "the large blob need not have been fetched"
