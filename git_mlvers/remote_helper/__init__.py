"""The program ``git-remote-mlvers``, which git starts for addresses ``mlvers::…``.

Git remotes of that kind are not part of this version; the name is taken, so
that whoever uses such an address is told what to do instead.
"""

from __future__ import annotations

import sys

EXIT_CODE = 1


def entry() -> None:
    """Say that such git remotes are not part of this version, and fail."""
    sys.stderr.write(explain(sys.argv[1:]))
    sys.exit(EXIT_CODE)


def explain(words: list[str]) -> str:
    """The lines for the user, who gave git the address in `words` (git remote, address)."""
    address = words[1] if len(words) > 1 else ""
    text = "git-mlvers: git remotes with an address mlvers::… are not part of this version\n"
    plain = address.removeprefix("mlvers::")
    if plain and not plain.startswith(("mlvers://", "s3://", "gs://", "az://", "gdrive://")):
        return text + (
            f"hint: use the plain address {plain}; "
            "after git mlvers install, git clone brings the content too\n"
        )
    return text + (
        "hint: use a plain git remote for the history, and for the content "
        "git mlvers remote add -d NAME URL\n"
    )
