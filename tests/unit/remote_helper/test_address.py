"""Addresses mean what they mean to git, which says so itself."""

from __future__ import annotations

import subprocess

import pytest

from git_mlvers.remote_helper.connect_address import (
    Blocked,
    Daemon,
    Helper,
    Local,
    Ssh,
    parse,
    protocol_of,
)

ADDRESSES = (
    [
        f"{scheme}://{host}{path}"
        for scheme in ("ssh", "git+ssh", "ssh+git")
        for host in ("host", "user@host", "host:22", "u@host:022", "host:", "host:x", "[::1]")
        for path in ("/path", "/~user/repo", "/a:b", "/a%20b%2fc")
    ]
    + [f"ssh://{host}/p" for host in ("[::1]:22", "u@[::1]:22", "[u@::1]:22", "[host:22]", "[h]")]
    + ["ssh://user:secret@host/p", "ssh://user:secret@host:22/p", "ssh://a%40b@host/p"]
    + [f"git://{host}{path}" for host in ("host", "host:22", "[::1]") for path in ("/p", "/~u/p")]
    + ["host:path", "host:/path", "u@host:~/p", "host:/~u/p", "[host:22]:p", "[u@host:22]:p"]
    + ["[::1]:p", "u@[::1]:p", "[u@::1]:p", "[::1]:/~u/p", "host:22:p", "host:a/b:c", "h:%20"]
    + ["/path", "./a:b", "a/b:c", "path", "../x", "file:///a%20b", "file://host/p", "/a%20b"]
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_as_git_reads_it(address: str) -> None:
    ran = subprocess.run(
        ["git", "fetch-pack", "--diag-url", address], capture_output=True, text=True, check=True
    )
    fields = dict(line.removeprefix("Diag: ").split("=", 1) for line in ran.stdout.splitlines())
    match parse(address):
        case Ssh(host, port, path):
            assert fields["protocol"] == "ssh"
            assert (fields["userandhost"], fields["path"]) == (host, path)
            assert fields["port"] == (port or "NONE")
        case Daemon(host, path):
            assert fields["protocol"] == "git"
            assert (fields["hostandport"], fields["path"]) == (host, path)
        case Local(path):
            assert fields["protocol"] in ("file", "local")
            assert fields["path"] == path
        case other:
            raise AssertionError(other)


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("https://u:p@host:1/x?y", Helper("https", "https://u:p@host:1/x?y")),
        ("ext::sh -c %S", Helper("ext", "sh -c %S")),
        ("http::https://x", Helper("http", "https://x")),
        ("svn+x.y-z://x", Helper("svn+x.y-z", "svn+x.y-z://x")),
        ("s3::s3://x", Helper("s3", "s3://x")),
        ("FILE:///x", Helper("FILE", "FILE:///x")),
        ("x::", Helper("x", "")),
    ],
)
def test_for_another_helper(address: str, wanted: Helper) -> None:
    assert parse(address) == wanted
    assert protocol_of(wanted) == wanted.name


@pytest.mark.parametrize("address", ["a", "file:///a", "h:a", "ssh://h/a", "git://h/a"])
def test_transports_have_the_names_that_git_gives_them(address: str) -> None:
    wanted = {"a": "file", "file": "file", "h": "ssh", "ssh": "ssh", "git": "git"}
    assert protocol_of(parse(address)) == wanted[address.partition(":")[0]]


@pytest.mark.parametrize(
    "address",
    [
        "-x",
        "ssh://-oProxyCommand=x/p",
        "ssh://-oProxyCommand=x:22/p",
        "-oProxyCommand=x:p",
        "[-oProxyCommand=x]:p",
        "ssh://[-oProxyCommand=x]:22/p",
        "ssh://%2doProxyCommand=x/p",
        "host:-p",
        "git://-x/p",
        "git://host%0aa/p",
        "git://host/p%0a",
        "ssh://host",
        "git://host",
        "host:",
    ],
)
def test_what_git_refuses_too(address: str) -> None:
    with pytest.raises(Blocked):
        parse(address)
    assert subprocess.run(
        ["git", "ls-remote", "--", address],
        check=False,
        capture_output=True,
        env={"GIT_SSH_COMMAND": "false", "PATH": "/usr/bin:/bin"},
    ).returncode
