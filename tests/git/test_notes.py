"""Params and metrics on commits: who writes them, what follows a rewrite, and how they travel."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.git import Repo, clone
from tests.support.notes import REF, VIEW, bulk, noted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def work(installed: Path, repo: Repo) -> Repo:
    """A repository in which commits are recorded, with one that has params and metrics."""
    repo.mlvers("init")
    repo.write("code.py", "1")
    change(repo, 1, 0.5)
    return repo


@pytest.fixture
def server(work: Repo, tmp_path: Path) -> Path:
    """A bare repository that `work` is pushed to."""
    place = tmp_path / "server.git"
    subprocess.run(["git", "init", "-q", "--bare", str(place)], check=True)
    work.git("remote", "add", "origin", place.as_uri())
    work.git("push", "-q", "-u", "origin", "main")
    return place


def change(repo: Repo, C: int, accuracy: float, message: str = "change") -> str:
    """Commit other params and metrics; the commit."""
    repo.write("params.yaml", f"train:\n  C: {C}\n")
    repo.write("metrics.json", json.dumps({"accuracy": accuracy}))
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", message)
    return repo.head()


def shown(repo: Repo, revision: str = "HEAD") -> list[dict[str, Any]]:
    found = json.loads(repo.mlvers("notes", "show", "--json", revision))
    assert isinstance(found, list)
    return found


def metrics(repo: Repo, revision: str = "HEAD") -> list[float]:
    """The accuracies that are recorded of a commit."""
    return [line["metrics"]["accuracy"] for line in shown(repo, revision)]


def words(repo: Repo, revision: str = "HEAD") -> str:
    """What `git log` shows of the notes of a commit."""
    return repo.git("log", "-1", "--format=%N", revision).strip()


def other(server: Path, path: Path, *options: str) -> Repo:
    """A clone in which commits are recorded too."""
    found = clone(server.as_uri(), path, *options)
    found.mlvers("init")
    found.git("fetch", "-q")
    return found


def test_a_commit_carries_what_its_files_say(work: Repo) -> None:
    (line,) = shown(work)
    assert line["commit"] == work.head()
    assert line["tree"] == work.git("rev-parse", "HEAD^{tree}").strip()
    assert line["params"] == {"train.C": 1} and line["metrics"] == {"accuracy": 0.5}
    assert words(work) == "accuracy 0.5 | train.C=1"
    change(work, 2, 0.625)
    assert words(work) == "accuracy 0.625 (+0.125) | train.C=2"
    work.assert_clean()
    work.fsck()


def test_a_commit_with_nothing_to_record_starts_nothing(work: Repo, tmp_path: Path) -> None:
    before = work.git("rev-parse", REF)
    trace = tmp_path / "trace"
    work.write("code.py", "2")
    work.git("add", "code.py")
    work.run("commit", "-qm", "code", env={"GIT_TRACE2_EVENT": str(trace)})
    started = [json.loads(line) for line in trace.read_text().splitlines()]
    programs = {event["argv"][0] for event in started if event["event"] == "start"}
    assert not any("mlvers" in program for program in programs)
    assert work.git("rev-parse", REF) == before and words(work) == ""


def test_a_pipeline_names_what_is_recorded(work: Repo) -> None:
    work.write("dvc.yaml", "stages: {}\nmetrics: [deep/scores.json]\nparams: [conf.yaml]\n")
    work.write("deep/scores.json", '{"f1": 0.25}')
    work.write("conf.yaml", "size: 3")
    work.commit("named")
    work.write("deep/scores.json", '{"f1": 0.5}')
    work.commit("scores alone")
    (line,) = shown(work)
    assert line["metrics"]["f1"] == 0.5 and line["params"]["size"] == 3


def test_an_amended_commit_keeps_its_note(work: Repo) -> None:
    work.write("metrics.json", '{"accuracy": 0.75}')
    work.git("commit", "-q", "-a", "--amend", "-m", "amended")
    assert 0.75 in metrics(work)  # beside what was there before: the order is that of time
    assert words(work) == "accuracy 0.75 | train.C=1"
    work.git("commit", "-q", "--amend", "-m", "only the message")
    assert words(work) == "accuracy 0.75 | train.C=1"


def test_a_rebase_takes_the_notes_along_and_is_not_disturbed(work: Repo) -> None:
    base = work.head()
    work.git("switch", "-q", "-c", "topic")
    for number in (2, 3):
        change(work, number, number / 8, f"change {number}")
    work.git("switch", "-q", "main")
    work.write("code.py", "2")
    work.git("commit", "-q", "-am", "code")
    work.git("rebase", "-q", "main", "topic")
    assert work.git("merge-base", "HEAD", base).strip() == base
    assert [words(work, rev) for rev in ("HEAD~1", "HEAD")] == [
        "accuracy 0.25 (-0.25) | train.C=2",
        "accuracy 0.375 (+0.125) | train.C=3",
    ]
    work.assert_clean()


def test_a_fixup_has_the_numbers_of_its_result(work: Repo) -> None:
    change(work, 2, 0.25)
    change(work, 3, 0.75, "fixup! change")
    env = {"GIT_SEQUENCE_EDITOR": "true"}
    work.run("rebase", "-q", "-i", "--autosquash", "HEAD~2", env=env)
    assert words(work) == "accuracy 0.75 (+0.25) | train.C=3"


def test_a_cherry_pick_is_recorded(work: Repo) -> None:
    work.git("switch", "-q", "-c", "topic")
    picked = change(work, 2, 0.25)
    work.git("switch", "-q", "main")
    work.write("code.py", "3")
    work.git("commit", "-q", "-am", "code")
    work.git("cherry-pick", picked)
    assert metrics(work) == [0.25]


def test_a_merge_and_a_squash_are_recorded(work: Repo) -> None:
    work.git("switch", "-q", "-c", "topic")
    change(work, 2, 0.25)
    change(work, 3, 0.75)
    work.git("switch", "-q", "main")
    work.write("code.py", "3")
    work.git("commit", "-q", "-am", "code")
    work.git("branch", "squashed")
    work.git("merge", "-q", "--no-edit", "topic")
    assert metrics(work) == [0.75]
    work.git("switch", "-q", "squashed")
    work.git("merge", "-q", "--squash", "topic")
    work.git("commit", "-q", "-m", "squashed")
    assert words(work) == "accuracy 0.75 (+0.25) | train.C=3"


def test_what_no_hook_has_seen_is_made_up_for(work: Repo) -> None:
    work.write("metrics.json", '{"accuracy": 0.25}')
    work.run("-c", "core.hooksPath=/dev/null", "commit", "-qam", "unseen")
    assert words(work) == ""
    work.write("code.py", "2")
    work.git("commit", "-q", "-am", "nothing to record")
    assert words(work, "HEAD~1") == ""
    change(work, 1, 0.75)
    assert words(work, "HEAD~2") == "accuracy 0.25 (-0.25)"
    assert words(work) == "accuracy 0.75 (+0.5)"


def test_commits_from_before_are_silent(installed: Path, repo: Repo) -> None:
    old = change(repo, 1, 0.5)
    repo.mlvers("init")
    repo.git("add", "-A")
    ran = repo.run("commit", "-qm", "adopted")
    assert ran.stderr == ""
    repo.git("checkout", "-q", old)
    assert words(repo) == ""
    repo.mlvers("notes", "adopt")
    assert words(repo) == "accuracy 0.5 | train.C=1"


def test_a_broken_file_is_one_line_and_the_commit_is_made(work: Repo) -> None:
    work.write("metrics.json", "{")
    ran = work.run("commit", "-qam", "broken")
    assert ran.stderr.count("\n") == 1 and "metrics.json" in ran.stderr
    assert work.git("log", "-1", "--format=%s").strip() == "broken"
    assert shown(work) == []
    change(work, 2, 0.75)
    assert words(work) == "accuracy 0.75 (+0.25) | train.C=2"


def test_a_hook_that_was_there_runs_too(installed: Path, repo: Repo) -> None:
    repo.hook("post-commit", "echo mine >> .git/log\nexit 1")
    repo.mlvers("init")
    change(repo, 1, 0.5)
    assert repo.git_path("log").read_text() == "mine\n"
    assert metrics(repo) == [0.5]


def test_a_linked_working_tree_records_into_the_same_notes(work: Repo, tmp_path: Path) -> None:
    work.git("worktree", "add", "-q", "-b", "topic", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked")
    made = change(linked, 2, 0.75)
    assert metrics(work, made) == [0.75]


def test_a_repository_of_sha256(installed: Path, make_repo: Callable[..., Repo]) -> None:
    repo = make_repo("long", "--object-format=sha256")
    repo.mlvers("init")
    assert len(change(repo, 1, 0.5)) == 64
    assert words(repo) == "accuracy 0.5 | train.C=1"


def test_it_can_be_turned_off_and_on(work: Repo) -> None:
    work.config("mlvers.notes", "false")
    work.mlvers("init")
    off = change(work, 2, 0.75)
    assert work.git("notes", "--ref", REF, "list").count(off) == 0
    assert work.git("config", "--get-all", "notes.rewriteRef", check=False) == ""
    work.config("mlvers.notes", "true")
    work.mlvers("init")
    change(work, 3, 0.25)
    assert metrics(work) == [0.25]


def test_uninstall_leaves_notes_and_nothing_else(work: Repo) -> None:
    work.mlvers("uninstall", "--local")
    said = work.git("config", "--local", "--list")
    assert "notes" not in said
    assert metrics(work) == [0.5]


def test_notes_go_along_with_a_push_and_come_with_a_fetch(
    work: Repo, server: Path, tmp_path: Path
) -> None:
    there = other(server, tmp_path / "other")
    assert words(there) == "" or metrics(there) == [0.5]
    assert metrics(there) == [0.5]
    assert words(there) == "accuracy 0.5 | train.C=1"
    work.git("fetch", "-q")
    change(work, 2, 0.75)
    work.git("push", "-q")
    there.git("pull", "-q")
    assert words(there) == "accuracy 0.75 (+0.25) | train.C=2"


def test_the_view_does_not_travel(work: Repo, server: Path) -> None:
    refs = Repo(server).git("for-each-ref", "--format=%(refname)").split()
    assert REF in refs and VIEW not in refs


def test_a_push_with_no_news_asks_nothing_more(work: Repo, server: Path, tmp_path: Path) -> None:
    work.write("code.py", "5")
    work.git("commit", "-qam", "code")
    trace = tmp_path / "trace"
    work.run("push", "-q", env={"GIT_TRACE2_EVENT": str(trace)})
    started = [json.loads(line) for line in trace.read_text().splitlines()]
    pushes = [e for e in started if e["event"] == "start" and "push" in e["argv"][1:3]]
    assert len(pushes) == 1


def test_three_who_record_against_each_other_lose_nothing(
    work: Repo, server: Path, tmp_path: Path
) -> None:
    """Two clones, and a job of CI with a history of one commit."""
    people = [work, other(server, tmp_path / "b")]
    ci = other(server, tmp_path / "ci", "--depth=1")
    made = []
    for number, repo in enumerate([*people, ci]):
        repo.git("switch", "-q", "-c", f"branch-{number}")
        made += [change(repo, number, number / 8), change(repo, number + 5, number / 16)]
    jobs = [
        subprocess.Popen(
            ["git", "push", "-q", "origin", f"branch-{number}"], cwd=repo.path, stderr=-1
        )
        for number, repo in enumerate([*people, ci])
    ]
    for job in jobs:
        _, said = job.communicate()
        assert job.returncode == 0, said
    for repo in (*people, ci):
        repo.mlvers("notes", "sync", "origin")
    for repo in people:
        repo.mlvers("notes", "sync", "origin")
        listed = repo.git("notes", "--ref", REF, "list")
        assert all(commit in listed for commit in made)


def test_a_server_that_takes_no_notes_is_told_of_once(work: Repo, server: Path) -> None:
    hook = server / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ncase $1 in refs/notes/*) echo no notes >&2; exit 1;; esac\n")
    hook.chmod(0o755)
    change(work, 2, 0.75)
    first = work.run("push", "-q").stderr
    assert "takes no notes" in first
    change(work, 3, 0.25)
    assert "takes no notes" not in work.run("push", "-q").stderr
    assert work.git("rev-parse", "origin/main").strip() == work.head()


def test_an_unreachable_server_stops_no_recording(work: Repo, server: Path) -> None:
    shutil.rmtree(server)
    change(work, 2, 0.75)
    assert metrics(work) == [0.75]
    ran = work.fails("mlvers", "notes", "sync", "origin")
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("wrapped", [True, False], ids=["wrapper", "serverless"])
def test_they_travel_through_the_helper(
    work: Repo, server: Path, tmp_path: Path, wrapped: bool
) -> None:
    url = f"mlvers::{server.as_uri()}" if wrapped else f"mlvers::{tmp_path / 'store'}"
    work.git("remote", "add", "store", url)
    change(work, 2, 0.75)
    work.git("push", "-q", "store", "main")
    subprocess.run(["git", "clone", "-q", url, str(tmp_path / "there")], check=True)
    there = Repo(tmp_path / "there")
    there.git("fetch", "-q")
    assert metrics(there) == [0.75]
    change(there, 3, 0.25)
    change(work, 4, 0.5)
    there.git("push", "-q", "origin", "HEAD:refs/heads/topic")
    work.git("push", "-q", "store", "main")
    work.git("fetch", "-q", "store")
    assert metrics(work, "store/topic") == [0.25]
    assert metrics(work) == [0.5]
    work.fsck()


def test_lines_that_were_logged_follow_a_squash(work: Repo) -> None:
    """A line that says more than the files: found again by the same tree."""
    work.git("switch", "-q", "-c", "topic")
    change(work, 2, 0.25)
    top = change(work, 3, 0.75)
    line = {**shown(work)[0], "id": "run-1", "src": "mlflow", "metrics": {"loss": 0.125}}
    text = json.dumps(line)
    work.git("notes", "--ref", REF, "append", "-m", text, top)
    work.git("switch", "-q", "main")
    work.git("merge", "-q", "--squash", "topic")
    work.git("commit", "-q", "-m", "squashed")
    work.git("branch", "-q", "-D", "topic")
    work.mlvers("notes", "adopt")
    assert {"loss": 0.125} in [line["metrics"] for line in shown(work)]


def test_before_the_first_note_git_has_nothing_to_complain_about(
    installed: Path, repo: Repo
) -> None:
    repo.mlvers("init")
    repo.commit("one", "--allow-empty")
    repo.commit("two", "--allow-empty")
    assert repo.run("log").stderr == ""
    assert repo.run("commit", "-q", "--amend", "--allow-empty", "-m", "three").stderr == ""
    assert "warning" not in repo.run("rebase", "--force-rebase", "HEAD~1").stderr


def test_a_metrics_file_that_is_a_large_one_is_read(work: Repo) -> None:
    work.mlvers("track", "metrics.json")
    change(work, 2, 0.75)
    work.assert_pointer("metrics.json")
    assert metrics(work) == [0.75]


def test_of_several_lines_the_latest_speaks(work: Repo) -> None:
    work.git("commit", "-q", "--allow-empty", "-m", "nothing of its own")
    commit = work.head()
    note = "".join(
        json.dumps({"t": f"2026-01-0{day}T00:00:00Z", "id": f"run-{day}", "v": 1, "commit": commit}
                   | {"metrics": {"accuracy": day / 8}}) + "\n"
        for day in (2, 1)
    )  # fmt: skip
    work.git("notes", "--ref", REF, "add", "-F", "-", commit, stdin=note)
    listed = work.mlvers("notes", "list", "-n", "1").splitlines()
    assert listed[0].split(maxsplit=1)[1] == "accuracy 0.25 (-0.25) | train.C is gone"
    assert metrics(work) == [0.125, 0.25]


def test_a_dry_run_sends_no_notes(work: Repo, server: Path) -> None:
    before = Repo(server).git("rev-parse", REF)
    change(work, 2, 0.75)
    work.git("push", "-q", "--dry-run", "origin", "main")
    assert Repo(server).git("rev-parse", REF) == before
    work.git("push", "-q", "origin", "main")
    assert Repo(server).git("rev-parse", REF) == work.git("rev-parse", REF)


def test_a_push_that_is_no_push_of_commits_sends_no_notes(work: Repo, server: Path) -> None:
    work.git("push", "-q", "origin", "main:topic")
    before = Repo(server).git("rev-parse", REF)
    change(work, 2, 0.75)
    work.git("push", "-q", "origin", ":topic")
    work.git("push", "-q", server.as_uri(), "main:elsewhere")
    assert Repo(server).git("rev-parse", REF) == before


def test_only_the_newest_of_very_many_have_words(work: Repo) -> None:
    made = many_commits(work, 1300)
    work.git("update-ref", "-d", REF)
    bulk(work, made)
    work.mlvers("notes", "gc")
    having = noted(work, VIEW)
    assert having == set(made[-1000:])
    assert words(work) == "acc 185.57 (+0.143) | train.C=1299"
    listed = work.mlvers("notes", "list", "-n", "1300").splitlines()
    assert len(listed) == 1300
    assert listed[-1] == f"{made[0][:10]}  acc 0 | train.C=0"


def many_commits(repo: Repo, count: int) -> list[str]:
    """Add so many commits to main, the oldest first; their ids."""
    before = repo.head()
    repo.git("fast-import", "--quiet", "--date-format=raw", stdin="".join(
        f"commit refs/heads/main\ncommitter A <a@example.com> {4_000_000_000 + number} +0000\n"
        f"data 1\nc\n" + (f"from {before}\n" if number == 0 else "")
        + f"M 100644 inline file\ndata {len(str(number))}\n{number}\n\n"
        for number in range(count)
    ))  # fmt: skip
    return repo.git("rev-list", "--reverse", f"{before}..main").split()


def test_what_was_replaced_goes(work: Repo) -> None:
    note = work.git("notes", "--ref", REF, "show", "HEAD")
    later = note.replace('{"t":"2', '{"t":"3').replace('"accuracy":0.5', '"accuracy":0.625')
    work.git("notes", "--ref", REF, "add", "-f", "-F", "-", "HEAD", stdin=f"{note}\n{later}\n")
    assert metrics(work) == [0.625]
    assert work.mlvers("notes", "gc") == "lines that later ones had replaced, and that are gone: 1"
    assert work.git("notes", "--ref", REF, "show", "HEAD") == later
    assert words(work) == "accuracy 0.625 | train.C=1"


@pytest.mark.parametrize(
    "reason", ["blocked by policy", "the rule failed", "deadlock on line 3 (really)"]
)
def test_a_refusal_in_any_words_is_one(work: Repo, server: Path, reason: str) -> None:
    """Not one of a race, after which the push would be tried again and again."""
    work.git("config", "--file", str(server / "config"), "receive.procReceiveRefs", "refs/notes")
    hook = server / "hooks" / "proc-receive"
    hook.parent.mkdir(exist_ok=True)
    said = f"ng refs/notes/mlvers {reason}"
    hook.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "out, inp = sys.stdout.buffer, sys.stdin.buffer\n"
        "def line(text): out.write(b'%04x' % (len(text) + 4) + text)\n"
        "def lines():\n"
        "    while size := int(inp.read(4), 16):\n"
        "        inp.read(size - 4)\n"
        "lines()\n"
        "line(b'version=1\\0'); out.write(b'0000'); out.flush()\n"
        "lines()\n"
        f"line({said.encode()!r}); out.write(b'0000'); out.flush()\n"
    )
    hook.chmod(0o755)
    change(work, 2, 0.75)
    assert f"takes no notes: {reason}" in work.run("push", "-q").stderr


def test_a_value_that_looks_like_an_id_is_none(work: Repo) -> None:
    from git_mlvers.tracking import record
    from git_mlvers.tracking.speaking import own_id

    head = work.head()
    name = own_id(head)
    note = json.dumps({"t": "x", "id": "run", "commit": head, "params": {"a": f'"id":"{name}"'}})
    assert not record.has_own(note.encode(), head)
    own = json.dumps({"t": "x", "id": name}, separators=(",", ":"))
    assert record.has_own(own.encode(), head)
