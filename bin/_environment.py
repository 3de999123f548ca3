"""The Python environment of a checkout, made when it is not there or out of date.

The scripts beside this file need nothing but Python and git on the machine:
they call `enter`, which goes on in ``.venv`` (or ``$MLVERS_VENV``) with the
dependencies that pyproject.toml names. git-mlvers itself is not installed
there; its launchers in bin/ run it from the checkout.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

CHECKOUT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
OLDEST = (3, 11)
_ENTERED = "MLVERS_ENTERED_VENV"
_NO_INDEX = "is a package index within reach?"
_PYPROJECT = os.path.join(CHECKOUT, "pyproject.toml")


def enter(group: str | None = None) -> None:
    """Go on with the checkout's own Python and its bin/ first on the path.

    `group` is a dependency group of pyproject.toml that is wanted beside the
    dependencies themselves. Does not return when it has to start the script
    anew in the environment; ends the program with a sentence when there can
    be none.
    """
    if sys.version_info < OLDEST:
        _start_newer()
    venv = os.path.abspath(os.environ.get("MLVERS_VENV") or os.path.join(CHECKOUT, ".venv"))
    python = os.path.join(venv, "bin", "python")
    if os.environ.pop(_ENTERED, None) != venv:
        _bring_up_to_date(venv, python, group)
        os.environ[_ENTERED] = venv
        os.execv(python, [python, os.path.realpath(sys.argv[0]), *sys.argv[1:]])
    programs = [os.path.join(CHECKOUT, "bin"), os.path.dirname(python)]
    os.environ["PATH"] = os.pathsep.join([*programs, os.environ.get("PATH", os.defpath)])
    sys.path.insert(1, CHECKOUT)


def _start_newer() -> None:
    """Start the script anew with a Python that is new enough."""
    for minor in range(20, OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            os.execv(found, [found, *sys.argv])
    _give_up(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is {sys.version}")


def _bring_up_to_date(venv: str, python: str, group: str | None) -> None:
    """Make `venv` and install what is missing; a note in it says what it was made from."""
    note = os.path.join(venv, "mlvers-environment.json")
    with open(_PYPROJECT, "rb") as pyproject:
        # Two scripts started at once must not install at once.
        fcntl.flock(pyproject, fcntl.LOCK_EX)
        state = hashlib.sha256(pyproject.read()).hexdigest()
        wanted = ["dependencies", *([group] if group else [])]
        made = _read_note(note)
        if os.access(python, os.X_OK) and all(made.get(name) == state for name in wanted):
            return
        _say(f"setting up {venv} (once, until pyproject.toml changes)")
        start = time.monotonic()
        if not os.access(python, os.X_OK):
            _run(
                [sys.executable, "-m", "venv", "--clear", venv],
                "apt-get install python3-venv, or the like",
            )
        pip = [python, "-m", "pip", "install", "--quiet", "--quiet"]
        # An old pip gives up on the clouds' clients, where a new one finds versions that fit.
        _run([*pip, "--upgrade", "pip"], _NO_INDEX)
        _run([*pip, *_requirements(group)], _NO_INDEX)
        with open(note, "w", encoding="utf-8") as out:
            json.dump({**made, **dict.fromkeys(wanted, state)}, out)
        _say(f"set up in {time.monotonic() - start:.0f} s")


def _read_note(path: str) -> dict[str, str]:
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _requirements(group: str | None) -> list[str]:
    """The requirements that pyproject.toml names, as pip takes them."""
    import tomllib  # not in the Pythons that `_start_newer` is there for

    with open(_PYPROJECT, "rb") as file:
        pyproject = tomllib.load(file)
    wanted: list[str] = list(pyproject["project"]["dependencies"])
    if group:
        wanted += pyproject["dependency-groups"][group]
    return wanted


def _run(argv: list[str], hint: str) -> None:
    if subprocess.run(argv, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        _give_up(f"`{' '.join(argv[:5])} …` failed; {hint}")


def _say(text: str) -> None:
    name = os.path.basename(sys.argv[0])
    print(f"{name}: {text}", file=sys.stderr, flush=True)


def _give_up(text: str) -> None:
    _say(text)
    sys.exit(1)
