"""Addresses: what they mean, which are refused, and how they are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_mlvers.backend import url
from git_mlvers.backend.schemes import extra_for
from git_mlvers.backend.url import BadAddress, Location, is_local, parse, redact
from git_mlvers.errors import UsageError


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("/srv/store", Location("", "", "/srv/store")),
        ("../store", Location("", "", "../store")),
        ("store", Location("", "", "store")),
        ("-store", Location("", "", "-store")),
        ("./a:b", Location("", "", "./a:b")),
        ("/a b/ö", Location("", "", "/a b/ö")),
        ("file:///srv/store", Location("", "", "/srv/store")),
        ("FILE://localhost/srv/store", Location("", "", "/srv/store")),
        ("s3://bucket", Location("s3", "bucket", "")),
        ("s3://bucket/", Location("s3", "bucket", "")),
        ("S3://bucket/a/prefix/", Location("s3", "bucket", "a/prefix")),
        ("s3://bucket//a///b//", Location("s3", "bucket", "a/b")),
        ("s3://bucket/a b+%20", Location("s3", "bucket", "a b+%20")),
        ("gdrive://-1AbC/x", Location("gdrive", "-1AbC", "x")),
        ("ssh://host/srv", Location("ssh", "host", "srv")),
        ("ssh://me@host:2222/srv", Location("ssh", "host", "srv", "me", None, 2222)),
        ("sftp://me:word@host/srv", Location("sftp", "host", "srv", "me", "word")),
        ("webdavs://host/a", Location("webdavs", "host", "a")),
        ("memory://name/place", Location("memory", "name", "place")),
    ],
)
def test_an_address_is_taken_apart(text: str, wanted: Location) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("s3://bucket/a\nb", "control characters"),
        ("/srv/\x1b[31m", "control characters"),
        ("s3://", "names no place"),
        ("s3:///prefix", "names no place"),
        ("s3://bucket/../other", "names no place"),
        ("s3://bucket/./x", "names no place"),
        ("s3://bucket/a?b", "? or #"),
        ("s3://KEY:SECRET@bucket/x", "credentials"),
        ("ssh://-oProxyCommand=x/a", "names no place"),
        ("ssh://host:port/a", "port"),
        ("ssh://host:0/a", "port"),
        ("ssh://host:99999/a", "port"),
        ("file://host/srv", "another host"),
        ("file://relative", "another host"),
        ("me@host:srv", "neither a directory nor a URL"),
        ("mlvers::s3://bucket", "for git"),
        ("ftp://host/a", "begins with ftp://"),
        ("hdfs://host/a", "begins with hdfs://"),
    ],
)
def test_what_is_no_address_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(BadAddress) as caught:
        parse(text)
    assert words in caught.value.message
    assert "SECRET" not in str(caught.value)
    assert isinstance(caught.value, UsageError)
    assert caught.value.exit_code == 2


def test_an_unknown_kind_is_told_with_those_that_are_known() -> None:
    with pytest.raises(BadAddress) as caught:
        parse("hdfs://host/a")
    assert "s3://bucket/prefix" in (caught.value.hint or "")
    assert "a directory" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("s3://KEY:SECRET@bucket/prefix", "s3://***@bucket/prefix"),
        ("https://TOKEN@host/a", "https://***@host/a"),
        ("https://me:word@host/a", "https://***@host/a"),
        ("ssh://me@host/a", "ssh://me@host/a"),
        ("ssh://me:word@host/a", "ssh://me:***@host/a"),
        ("ssh://me:w@rd@host/a", "ssh://me:***@host/a"),
        ("https://host/a?access_key=1&x=2", "https://host/a?access_key=***&x=2"),
        ("https://host/a?X-Amz-Signature=1;Token=2#end", "https://host/a?X-Amz-Signature=***;Token=***#end"),
        ("az://c/a?sig=abc", "az://c/a?sig=***"),
        ("/srv/store", "/srv/store"),
        ("/srv/a@b:c", "/srv/a@b:c"),
        ("/srv/\x1b[31m", "/srv/\\x1b[31m"),
    ],
)  # fmt: skip
def test_what_is_shown_has_no_secret(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_the_normal_form_has_no_login() -> None:
    assert parse("sftp://me:word@host:22/srv/").url == "sftp://host:22/srv"
    assert parse("S3://bucket//a/").url == "s3://bucket/a"
    assert parse("file:///srv/store").url == "/srv/store"


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("/srv", True),
        ("a/b", True),
        ("/a/b::c", True),
        ("File:///srv", True),
        ("s3://bucket", False),
        ("mlvers::/srv", False),
        ("unknown://x", False),
    ],
)
def test_a_path_is_told_from_a_url(text: str, local: bool) -> None:
    assert is_local(text) is local


def test_what_has_to_be_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    assert extra_for("s3") == "s3"
    assert extra_for("gs") == "gcs"
    assert extra_for("file") is None
    assert extra_for("unknown") is None
    assert url.missing_extra("s3://bucket") is None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert url.missing_extra("s3://bucket") == "s3"
    assert url.missing_extra("sftp://host/a") == "ssh"
    assert url.missing_extra("/srv") is None
    assert url.missing_extra("unknown://x") is None


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        location = parse(text)
    except BadAddress as error:
        assert error.message.isprintable() or not text.isprintable()
    else:
        assert location.scheme or location.path == text or text.lower().startswith("file://")


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters="@/\r\n\0"), min_size=8))
def test_no_password_comes_through(password: str) -> None:
    for scheme in ("ssh", "https", "s3"):
        shown = redact(f"{scheme}://user:{password}~END@host/path")
        assert "~END" not in shown
