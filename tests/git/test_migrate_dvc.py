"""Taking over a repository of DVC: data, facts and remotes, with nothing run and nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.dvc import DvcRepo
from tests.support.s3server import s3
from tests.support.webserver import WebServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.s3server import S3Server

__all__ = ["s3"]

PIPELINE = """\
stages:
  make:
    cmd: cp data/one.csv made.csv && cat params.yaml >> log
    deps: [data/one.csv]
    params: [train.C]
    outs: [made.csv]
  count:
    cmd: mkdir -p counts && wc -l < made.csv > counts/lines && echo ran >> log
    deps: [made.csv]
    outs: [counts]
"""
LOCK = """\
schema: '2.0'
stages:
  make:
    cmd: cp data/one.csv made.csv && cat params.yaml >> log
    deps:
    - {{path: data/one.csv, hash: md5, md5: {one}, size: 4}}
    params:
      params.yaml:
        train.C: 1
    outs:
    - {{path: made.csv, hash: md5, md5: {made}, size: 4}}
  count:
    cmd: mkdir -p counts && wc -l < made.csv > counts/lines && echo ran >> log
    deps:
    - {{path: made.csv, hash: md5, md5: {made}, size: 4}}
    outs:
    - {{path: counts, hash: md5, md5: {counts}, size: 2, nfiles: 1}}
"""
RAW = {"a.txt": b"1\n", "s/b.bin": b"x\r\ny\0"}
ONE = b"p,q\n"


@pytest.fixture
def repo(installed: Path, tmp_path: Path) -> DvcRepo:
    """A repository that DVC has added a file and a folder to, and run two stages in."""
    repo = DvcRepo.init(tmp_path / "repo")
    assert isinstance(repo, DvcRepo)
    repo.begin("[core]\n    remote = far\n['remote \"far\"']\n    url = ../../far\n")
    one = repo.dvc_add("data/one.csv", ONE)
    repo.dvc_add("data/raw", RAW)
    repo.write("params.yaml", "train:\n  C: 1\n")
    repo.write("dvc.yaml", PIPELINE)
    repo.write("made.csv", ONE)
    repo.write("counts/lines", b"1\n")
    counts = repo.keep_folder({"lines": b"1\n"})
    repo.write("dvc.lock", LOCK.format(one=one, made=repo.keep(ONE), counts=counts))
    repo.ignore("", "made.csv")
    repo.ignore("", "counts")
    repo.mlvers("init")
    repo.commit("with DVC")
    return repo


def data_is_there(repo: DvcRepo) -> None:
    repo.assert_pointer("data/one.csv", ONE, rev="")
    repo.assert_content("data/one.csv", ONE)
    for path, data in RAW.items():
        repo.assert_content(f"data/raw/{path}", data)
    repo.assert_content("counts/lines", b"1\n")


def test_all_of_it_is_taken_over_and_nothing_is_run(repo: DvcRepo) -> None:
    said = repo.import_dvc()
    assert "up to date without a run: make, count" in said
    data_is_there(repo)
    assert "log" not in os.listdir(repo.path)
    assert not repo.file("data/one.csv.dvc").exists() and not repo.file("data/.gitignore").exists()
    repo.git("commit", "-q", "-m", "from DVC")
    repo.assert_clean()
    assert repo.outcome()["skipped"] == ["make", "count"]
    assert repo.ran() == []


def test_a_clone_has_all_of_it(repo: DvcRepo, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    repo.import_dvc()
    repo.git("commit", "-q", "-m", "from DVC")
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "server.git")], check=True)
    repo.git("remote", "add", "origin", (tmp_path / "server.git").as_uri())
    repo.git("push", "-q", "origin", "main")
    assert (tmp_path / "far" / "mlvers" / "mlvers.json").exists()
    subprocess.run(
        ["git", "clone", "-q", (tmp_path / "server.git").as_uri(), str(tmp_path / "clone")],
        check=True,
    )
    clone = DvcRepo(tmp_path / "clone")
    clone.assert_content("data/raw/s/b.bin", RAW["s/b.bin"])
    assert clone.outcome()["skipped"] == ["make", "count"]


def test_content_comes_from_the_cache(repo: DvcRepo) -> None:
    shutil.rmtree(repo.file("data/raw"))
    shutil.rmtree(repo.file("counts"))
    repo.file("data/one.csv").unlink()
    assert "brought 4 files" in repo.import_dvc()
    data_is_there(repo)


def test_content_comes_from_a_remote_of_either_layout(repo: DvcRepo, tmp_path: Path) -> None:
    shutil.rmtree(repo.file("data/raw"))
    repo.file("data/one.csv").unlink()
    (tmp_path / "far").mkdir()
    for count, folder in enumerate(sorted(repo.store.iterdir())):
        place = tmp_path / "far" / ("files/md5" if count % 2 else ".")
        shutil.copytree(folder, place / folder.name)
    shutil.rmtree(repo.store)
    repo.import_dvc()
    data_is_there(repo)


@pytest.mark.s3
def test_content_comes_from_s3(repo: DvcRepo, s3: S3Server) -> None:
    bucket = s3.new_bucket()
    for folder in repo.store.iterdir():
        for path in folder.iterdir():
            key = f"dvc/files/md5/{folder.name}/{path.name}"
            s3.put(bucket, [(key, path.read_bytes())])
    options = s3.options()
    repo.write(
        ".dvc/config",
        f"[core]\nremote = far\n['remote \"far\"']\nurl = s3://{bucket}/dvc\n"
        f"endpointurl = {options['endpointurl']}\nregion = {options['region']}\n",
    )
    repo.write(
        ".dvc/config.local",
        f"['remote \"far\"']\naccess_key_id = {options['accesskeyid']}\n"
        f"secret_access_key = {options['secretaccesskey']}\n",
    )
    repo.commit("on S3")
    shutil.rmtree(repo.store)
    shutil.rmtree(repo.file("data/raw"))
    repo.import_dvc()
    data_is_there(repo)
    assert (
        repo.git("config", "mlvers.remote.far.secretaccesskey").strip()
        == (options["secretaccesskey"])
    )
    assert options["secretaccesskey"] not in repo.file(".mlversconfig").read_text()
    assert f"s3://{bucket}/dvc/mlvers" in repo.file(".mlversconfig").read_text()


def test_content_comes_from_a_web_server(repo: DvcRepo, tmp_path: Path) -> None:
    """As with a project on DagsHub, which lets in by user and password."""
    shutil.copytree(repo.store, tmp_path / "web" / "files" / "md5")
    shutil.rmtree(repo.store)
    shutil.rmtree(repo.file("data/raw"))
    with WebServer(tmp_path / "web", login="you:secret") as server:
        repo.write(".dvc/config", f"['remote \"origin\"']\nurl = {server.url}\n")
        repo.commit("on the web")
        said = repo.import_dvc(code=1)
        assert "lets nobody read without the right user and password" in said
        assert repo.file("data/raw.dvc").exists()
        repo.git("reset", "-q", "--hard")
        local = "['remote \"origin\"']\nauth = basic\nuser = you\npassword = secret\n"
        repo.write(".dvc/config.local", local)
        said = repo.import_dvc(code=1)
    assert "a web server can only be read; git mlvers remote add" in said
    assert "secret" not in said
    data_is_there(repo)
    assert not repo.file("data/raw.dvc").exists()


def test_a_repository_of_dvc_in_a_folder(repo: DvcRepo) -> None:
    """``dvc init --subdir``."""
    inner = repo.path / "sub"
    inner.mkdir()
    names = [".dvc", "data", "made.csv", "counts", "params.yaml", "dvc.yaml", "dvc.lock"]
    for name in [*names, ".gitignore"]:
        repo.file(name).rename(inner / name)
    repo.write("sub/.dvc/config", "['remote \"far\"']\nurl = ../../../far\n")
    repo.commit("in a folder")
    shutil.rmtree(inner / "data" / "raw")
    said = repo.import_dvc()
    assert "sub/dvc.yaml:make, sub/dvc.yaml:count" in said
    repo.assert_content("sub/data/raw/a.txt", RAW["a.txt"])
    assert "url = ../far/mlvers" in repo.file(".mlversconfig").read_text()


def test_a_remote_within_the_repository_is_that_of_this_clone(repo: DvcRepo) -> None:
    repo.write(".dvc/config", "['remote \"storage\"']\nurl = ../stores/blob\n")
    repo.commit("within")
    said = repo.import_dvc(code=1)
    assert "the remote storage: it is within the repository, so this clone alone has it" in said
    assert repo.git("config", "mlvers.remote.storage.url").strip().endswith("stores/blob/mlvers")
    assert "storage" not in repo.file(".mlversconfig").read_text().partition("[mlvers")[2]
    data_is_there(repo)


def test_of_two_repositories_of_dvc_each_is_taken_over_alone(repo: DvcRepo) -> None:
    repo.write("other/.dvc/config", "")
    repo.write("other/x.csv", ONE)
    repo.write("other/x.csv.dvc", repo.file("data/one.csv.dvc").read_text().replace("one", "x"))
    repo.ignore("other", "x.csv")
    repo.commit("another")
    said = repo.import_dvc(code=1)
    assert "other: another repository of DVC; run this in there after a git commit" in said
    assert repo.file("other/x.csv.dvc").exists()
    data_is_there(repo)


def test_content_that_is_nowhere_is_named_and_its_dvc_file_stays(repo: DvcRepo) -> None:
    shutil.rmtree(repo.store)
    shutil.rmtree(repo.file("data/raw"))
    said = repo.import_dvc(code=1)
    assert "data/raw: its content is neither in the cache nor on a remote" in said
    assert repo.file("data/raw.dvc").exists() and not repo.file("data/one.csv.dvc").exists()
    repo.assert_content("data/one.csv", ONE)


def test_a_damaged_object_is_not_taken(repo: DvcRepo) -> None:
    md5 = repo.keep(ONE)
    (repo.store / md5[:2] / md5[2:]).write_bytes(b"else")
    repo.file("data/one.csv").unlink()
    said = repo.import_dvc(code=1)
    assert "data/one.csv: its content is neither" in said
    assert not repo.file("data/one.csv").exists()
    assert sorted(os.listdir(repo.file("data"))) == ["one.csv.dvc", "raw"]


def test_what_was_edited_is_kept_and_said(repo: DvcRepo) -> None:
    repo.write("data/one.csv", b"edited\n")
    repo.write("data/raw/more.txt", b"more\n")
    said = repo.import_dvc(code=1)
    assert "data/one.csv: it is not what DVC recorded, and is taken as it is" in said
    assert "data/raw/more.txt: it is not what DVC recorded" in said
    assert "stage 'make' is not as it was run: data/one.csv has changed" in said
    repo.assert_content("data/one.csv", b"edited\n")
    assert repo.outcome()["ran"] == ["make", "count"]


def test_it_can_be_taken_back_and_the_data_stays(repo: DvcRepo) -> None:
    repo.write("data/one.csv", b"edited, and kept nowhere else\n")
    repo.import_dvc(code=1)
    repo.git("reset", "-q")
    repo.git("checkout", "-q", ".")
    repo.assert_content("data/one.csv", b"edited, and kept nowhere else\n")
    repo.assert_content("data/raw/a.txt", RAW["a.txt"])
    assert repo.file("data/one.csv.dvc").exists() and repo.file("data/raw.dvc").exists()
    assert repo.file("data/.gitignore").read_text() == "/one.csv\n/raw\n"


def test_a_changed_param_makes_its_stage_stale_alone(repo: DvcRepo) -> None:
    repo.write("params.yaml", "train:\n  C: 2\n")
    said = repo.import_dvc(code=1)
    assert "stage 'make' is not as it was run: params in params.yaml have changed" in said
    assert "up to date without a run: count" in said


def test_links_to_the_cache_become_files(repo: DvcRepo) -> None:
    md5 = repo.keep(ONE)
    repo.file("data/one.csv").unlink()
    os.symlink(repo.store / md5[:2] / md5[2:], repo.file("data/one.csv"))
    repo.import_dvc()
    assert not repo.file("data/one.csv").is_symlink()
    data_is_there(repo)
    assert (repo.store / md5[:2] / md5[2:]).read_bytes() == ONE


def test_stages_that_run_elsewhere_have_their_paths_there(repo: DvcRepo) -> None:
    """``dvc.lock`` has paths from the folder that a stage runs in."""
    md5 = repo.keep(ONE)
    cmd = "cp ../data/one.csv here.csv"
    stage = f"    cmd: {cmd}\n    wdir: deep\n    deps: [../data/one.csv]\n    outs: [here.csv]\n"
    lock = f"    cmd: {cmd}\n    deps:\n    - {{path: ../data/one.csv, hash: md5, md5: {md5}}}\n"
    lock += f"    outs:\n    - {{path: here.csv, hash: md5, md5: {md5}}}\n"
    repo.write("dvc.yaml", f"stages:\n  deep:\n{stage}")
    repo.write("dvc.lock", f"schema: '2.0'\nstages:\n  deep:\n{lock}")
    repo.ignore("deep", "here.csv")
    repo.commit("deep")
    said = repo.import_dvc()
    assert "up to date without a run: deep" in said
    repo.assert_content("deep/here.csv", ONE)
    assert not repo.file("here.csv").exists() and not repo.file("deep/.gitignore").exists()


def test_what_the_pipeline_no_longer_has_is_left_alone(repo: DvcRepo) -> None:
    repo.write("dvc.yaml", PIPELINE.partition("  count:")[0])
    shutil.rmtree(repo.file("counts"))
    repo.commit("no counts")
    repo.import_dvc()
    assert not repo.file("counts").exists()


def test_outputs_that_dvc_leaves_to_git_stay_plain(repo: DvcRepo) -> None:
    repo.write("dvc.yaml", PIPELINE.replace("[counts]", "[counts: {cache: false}]"))
    repo.write(".gitignore", "/made.csv\n")
    repo.commit("counts in git")
    assert "up to date without a run: make, count" in repo.import_dvc()
    assert repo.git("show", ":counts/lines") == "1"
    assert "counts" not in repo.file(".gitattributes").read_text()


def test_links_in_a_folder_become_files_too(repo: DvcRepo) -> None:
    for path, data in RAW.items():
        md5 = repo.keep(data)
        repo.file(f"data/raw/{path}").unlink()
        os.symlink(repo.store / md5[:2] / md5[2:], repo.file(f"data/raw/{path}"))
    repo.import_dvc()
    modes = {line.split()[0] for line in repo.git("ls-files", "-s", "data/raw").splitlines()}
    assert modes == {"100644"}
    shutil.rmtree(repo.store)
    data_is_there(repo)


def test_hard_links_to_the_cache_become_files_that_can_be_edited(repo: DvcRepo) -> None:
    md5 = repo.keep(ONE)
    kept = repo.store / md5[:2] / md5[2:]
    kept.chmod(0o444)
    repo.file("data/one.csv").unlink()
    os.link(kept, repo.file("data/one.csv"))
    repo.file("data/raw/a.txt").chmod(0o444)
    repo.import_dvc()
    for path in ("data/one.csv", "data/raw/a.txt"):
        assert repo.file(path).stat().st_mode & 0o200
    assert kept.stat().st_nlink == 1 and not kept.stat().st_mode & 0o200
    data_is_there(repo)


def test_a_dvc_file_without_a_hash_stays(repo: DvcRepo) -> None:
    """``dvc import-url --no-download`` writes such ones, and remotes with versions do."""
    text = "deps:\n- path: https://example.org/x\nouts:\n- hash: md5\n  path: later.csv\n"
    repo.write("later.csv.dvc", text)
    repo.commit("later")
    said = repo.import_dvc(code=1)
    assert "later.csv.dvc: it does not say what is in later.csv, and stays as it is" in said
    assert "its data is taken over" not in said
    assert repo.file("later.csv.dvc").read_text() == text


def test_hashes_of_an_older_dvc_count_line_ends_as_one(repo: DvcRepo) -> None:
    repo.write("old.txt", b"a\r\nb\r\n")
    md5 = repo.keep(b"a\nb\n")
    repo.write("old.txt.dvc", f"outs:\n- md5: {md5}\n  path: old.txt\n")
    repo.ignore("", "old.txt")
    repo.commit("old")
    said = repo.import_dvc()
    assert "old.txt" in said and "not what DVC recorded" not in said


def test_only_the_lines_of_dvc_leave_gitignore(repo: DvcRepo) -> None:
    repo.write(".gitignore", "*.log\n/made.csv\n/counts\n/mine\nmade.csv.bak\n")
    repo.commit("more ignored")
    repo.import_dvc()
    assert repo.file(".gitignore").read_text() == "*.log\n/mine\nmade.csv.bak\n"


def test_a_dry_run_changes_nothing(repo: DvcRepo) -> None:
    said = repo.import_dvc("--dry-run")
    assert "would track data/raw/" in said and "would add the remote far" in said
    repo.assert_clean()
    assert repo.git("config", "--get-regexp", "^mlvers.remote", check=False) == ""


def test_dvc_files_can_stay(repo: DvcRepo) -> None:
    repo.import_dvc("--keep-dvc")
    assert repo.file("data/one.csv.dvc").exists()
    data_is_there(repo)


def test_staged_changes_are_not_mixed_in(repo: DvcRepo) -> None:
    repo.write("other", b"x")
    repo.git("add", "other")
    said = repo.import_dvc(code=1)
    assert "there are staged changes (other)" in said
    repo.assert_status("A  other")


def test_one_that_did_not_get_to_its_end_is_run_again(repo: DvcRepo) -> None:
    """Something is staged then, which is no reason to refuse."""
    lock = repo.git_path("index.lock")
    lock.write_bytes(b"")
    assert "index.lock" in repo.import_dvc(code=1)
    lock.unlink()
    repo.git("add", ".gitattributes", "data")
    repo.import_dvc()
    data_is_there(repo)


def test_an_import_says_where_it_was_from(repo: DvcRepo) -> None:
    more = "deps:\n- path: data.xml\n  repo: {url: https://example.org/x, rev_lock: abc}\n"
    repo.dvc_add("data/x.xml", b"<x/>", more)
    repo.commit("import")
    said = repo.import_dvc(code=1)
    assert "imported from data.xml of https://example.org/x" in said
    repo.assert_content("data/x.xml", b"<x/>")


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("bad.dvc", "- 1\n", "bad.dvc is not a file of DVC"),
        ("dvc.lock", "a: [\n", "dvc.lock"),
        (".dvc/config", "url = x\n", ".dvc/config cannot be read"),
    ],
)
def test_a_file_that_is_not_of_dvc_is_named(repo: DvcRepo, path: str, text: str, why: str) -> None:
    repo.write(path, text)
    repo.commit("bad")
    assert why in repo.import_dvc(code=1)
    repo.assert_clean()


def test_paths_that_lead_out_are_left_alone(repo: DvcRepo, tmp_path: Path) -> None:
    md5 = repo.keep(b"evil")
    repo.write("evil.dvc", f"outs:\n- {{md5: {md5}, hash: md5, path: ../evil}}\n")
    entries = b'[{"md5": "%s", "relpath": "../../evil"}]' % md5.encode()
    listing = repo.keep(entries, ".dir")
    repo.write("sub.dvc", f"outs:\n- {{md5: {listing}, hash: md5, path: sub}}\n")
    repo.commit("evil")
    said = repo.import_dvc(code=1)
    assert "listing of sub names sub/../../evil" in said
    assert not (tmp_path / "evil").exists() and not (tmp_path.parent / "evil").exists()


def test_links_that_lead_out_are_not_written_through(repo: DvcRepo, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    os.symlink(tmp_path / "outside", repo.file("door"))
    md5 = repo.keep(b"evil")
    repo.write("file.dvc", f"outs:\n- {{md5: {md5}, hash: md5, path: door/file}}\n")
    inner = repo.keep_folder({"in/file": b"evil"})
    os.makedirs(repo.file("folder"))
    os.symlink(tmp_path / "outside", repo.file("folder/in"))
    repo.write("folder.dvc", f"outs:\n- {{md5: {inner}, hash: md5, path: folder}}\n")
    repo.commit("doors")
    said = repo.import_dvc(code=1)
    assert "door/file" in said and "folder/in/file" in said
    assert os.listdir(tmp_path / "outside") == []


def test_elsewhere_it_says_so(installed: Path, tmp_path: Path) -> None:
    repo = DvcRepo.init(tmp_path / "plain")
    assert isinstance(repo, DvcRepo)
    assert "is not a repository of DVC" in repo.import_dvc(code=1)


@pytest.mark.skipif(
    not (os.environ.get("DVC") or shutil.which("dvc")), reason="DVC is not on this machine"
)
def test_what_dvc_itself_has_made(installed: Path, tmp_path: Path) -> None:
    dvc = os.environ.get("DVC") or shutil.which("dvc")
    assert dvc is not None
    repo = DvcRepo.init(tmp_path / "real")
    assert isinstance(repo, DvcRepo)
    for path, data in RAW.items():
        repo.write(f"data/raw/{path}", data)
    repo.write("data/one.csv", ONE)
    repo.write("params.yaml", "train:\n  C: 1\n")
    repo.write("dvc.yaml", PIPELINE)
    words = [["init", "-q"], ["add", "-q", "data/raw", "data/one.csv"], ["repro", "-q"]]
    for each in words:
        subprocess.run([dvc, *each], cwd=repo.path, check=True)
    repo.mlvers("init")
    repo.commit("with DVC")
    repo.file("log").unlink()
    said = repo.import_dvc()
    assert "up to date without a run: make, count" in said
    data_is_there(repo)
