"""MD5 as DVC computes it: the sums here are those of DVC 3.67 (`dvc_data.hashfile.hash`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_mlvers.migrate.dvcstore import md5_of

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


@pytest.mark.parametrize(
    ("data", "before_3", "plain"),
    [
        (b"", "d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e"),
        (b"a\r\nb\r\n", "dd8c6a395b5dd36c56d23275028f526c", "59b0d7772f0561efb95518f3cb8abc60"),
        (b"\0a\r\nb\r\n", "1336478d095a693e514198c06812ee2f", "1336478d095a693e514198c06812ee2f"),
        (
            b"x" * (MIB - 1) + b"\r\nabc\r\n",
            "0b3e4e50c3da34a4003fe7d68e0b7415",
            "e047a97f166959b3c6007a30121ae670",
        ),
        (
            b"\0" * MIB + b"a\r\n",
            "96639d5fe37daf9a193a291eacc6eca9",
            "9e9d3d280341ec0036961ba5df47a857",
        ),
        (
            b"x" * MIB + b"\0\r\n",
            "46eb8541b90fed12bba563c7fae3ee25",
            "46eb8541b90fed12bba563c7fae3ee25",
        ),
    ],
    ids=["empty", "text", "binary", "line-end-across-blocks", "text-later", "binary-later"],
)
def test_sums_are_those_of_dvc(tmp_path: Path, data: bytes, before_3: str, plain: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    assert md5_of(str(path), plain=False) == before_3
    assert md5_of(str(path), plain=True) == plain
