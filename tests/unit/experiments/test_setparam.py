"""What words after ``-S`` mean, and how many experiments they make."""

from __future__ import annotations

import pytest

from git_mlvers.errors import UsageError
from git_mlvers.experiments.setparam import Setting, changed, combinations


def values(word: str) -> list[object]:
    """The values of the only param of `word`, one for each experiment."""
    return [settings[0].value for settings in combinations([word])]


@pytest.mark.parametrize(
    ("word", "setting"),
    [
        ("train.C=10", Setting(None, "", "train.C", 10)),
        ("lr=1e-3", Setting(None, "", "lr", 0.001)),
        ("conf/p.toml:a.b[0]=yes", Setting("conf/p.toml", "", "a.b[0]", "yes")),
        ("+new=true", Setting(None, "+", "new", True)),
        ("++new=null", Setting(None, "++", "new", None)),
        ("~p.json:old.key", Setting("p.json", "~", "old.key")),
        ("url=s3://bucket/a:b", Setting(None, "", "url", "s3://bucket/a:b")),
        ("empty=", Setting(None, "", "empty", "")),
        ("text='a, b'", Setting(None, "", "text", "a, b")),
        ("list=[1, 2.5, [x]]", Setting(None, "", "list", [1, 2.5, ["x"]])),
        ("map={a: 1, b: {c: no}}", Setting(None, "", "map", {"a": 1, "b": {"c": "no"}})),
        ("expr=a=b", Setting(None, "", "expr", "a=b")),
        ("text=it's", Setting(None, "", "text", "it's")),
    ],
)
def test_one(word: str, setting: Setting) -> None:
    (only,) = combinations([word])
    assert only == (setting,)
    assert type(only[0].value) is type(setting.value)
    assert Setting.from_json(setting.as_json()) == setting


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("C=0.1,1,10", [0.1, 1, 10]),
        ("C=range(0,10,2)", [0, 2, 4, 6, 8]),
        ("C=range(3)", [0, 1, 2]),
        ("C=range(0, 0.3, 0.1)", [0.0, 0.1, 0.2]),
        ("C=range(5,1,-2)", [5, 3]),
        ("C=range(0,10,3)", [0, 3, 6, 9]),
        ("C=choice(a, b, [1,2])", ["a", "b", [1, 2]]),
        ("C=[1,2],[3]", [[1, 2], [3]]),
        ("C='a,b',c", ["a,b", "c"]),
        ("C=1,range(5,7),x", [1, 5, 6, "x"]),
    ],
)
def test_a_sweep(word: str, expected: list[object]) -> None:
    assert repr(values(word)) == repr(expected)


def test_several_are_the_product() -> None:
    found = combinations(["a=1,2", "b=x", "+c=true,false"])
    assert [[item.value for item in each] for each in found] == [
        [1, "x", True],
        [1, "x", False],
        [2, "x", True],
        [2, "x", False],
    ]


def test_without_any_it_is_one() -> None:
    assert combinations([]) == [()]


def test_what_is_shown() -> None:
    settings = combinations(["p.json:a=[1, x]", "~b", "+c=null"])[0]
    assert [item.text for item in settings] == ["p.json:a=[1, x]", "~b", "+c=null"]
    assert changed(settings) == {"p.json:a": [1, "x"], "b": None, "c": None}


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("train.C", "a param takes a value"),
        ("=3", "a param has a name"),
        ("", "a param has a name"),
        ("~a=1", "takes no value"),
        ("C=1,,2", "a value is missing beside a comma"),
        ("C=[1", "C=[1: "),
        ("C=range(1,1)", "has no numbers"),
        ("C=range(a,b)", "one to three numbers"),
        ("C=range(1e9)", "100000 are the most"),
        ("C={a: 1, a: 2}", "stands twice"),
    ],
)
def test_what_is_wrong(word: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        combinations([word])
    assert says in raised.value.message
    assert raised.value.hint
    assert "\n" not in raised.value.message


def test_too_many() -> None:
    with pytest.raises(UsageError, match="100000 experiments"):
        combinations(["a=range(1000)", "b=range(1000)"])
