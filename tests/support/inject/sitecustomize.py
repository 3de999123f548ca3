"""Trouble inside of a program that a test starts, at a point that the test names.

Python imports this by itself in every process that has this directory on
``PYTHONPATH``; `tests.support.trouble` writes the variables that it reads.
The program under test knows nothing of it.
"""

import json
import os
import signal
import sys
import time
from importlib.machinery import PathFinder

_HOLD = 60.0


class Point:
    """One named function, and what is to happen at its `nth` call in a process.

    Without a name it is the module: what is to happen when its import begins.
    """

    def __init__(self, module, name, nth, when, do, flag):
        self.module = module
        self.name = name
        self.nth = nth
        self.when = when
        self.do = do
        self.flag = flag
        self.calls = 0

    def wrap(self, call):
        def wrapped(*args, **options):
            self.calls += 1
            if self.calls != self.nth:
                return call(*args, **options)
            if self.when == "half":
                call(*(_half(arg) for arg in args), **options)
            result = call(*args, **options) if self.when == "after" else None
            self.happen()
            return result if self.when == "after" else call(*args, **options)

        return wrapped

    def apply(self, module):
        *path, last = self.name.split(".")
        owner = module
        for part in path:
            owner = getattr(owner, part)
        setattr(owner, last, self.wrap(getattr(owner, last)))

    def happen(self):
        os.close(os.open(self.flag, os.O_WRONLY | os.O_CREAT, 0o666))
        if self.do == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.do == "kill all":
            os.killpg(os.getpgrp(), signal.SIGKILL)
        elif self.do == "interrupt all":
            os.killpg(os.getpgrp(), signal.SIGINT)
        elif self.do == "hold":
            end = time.monotonic() + _HOLD
            while not os.path.exists(self.flag + ".go") and time.monotonic() < end:
                time.sleep(0.005)
        else:
            raise ValueError(self.do)


class Value:
    """A constant of a module that a test wants smaller."""

    def __init__(self, module, name, value):
        self.module = module
        self.name = name
        self.value = value

    def apply(self, module):
        setattr(module, self.name, self.value)


class Finder:
    """Changes modules right after they were imported."""

    def __init__(self, changes):
        self.changes = changes

    def find_spec(self, name, path=None, target=None):
        here = [change for change in self.changes if change.module == name]
        spec = PathFinder.find_spec(name, path, target) if here else None
        if spec is None:
            return None
        run = spec.loader.exec_module

        def exec_module(module):
            for change in here:
                if not change.name:
                    change.happen()
            run(module)
            for change in here:
                if change.name:
                    change.apply(module)

        spec.loader.exec_module = exec_module
        return spec


def _half(arg):
    return arg[: len(arg) // 2] if isinstance(arg, bytes | bytearray | memoryview) else arg


def _patience(seconds):
    """Nobody waits long for a store that does not answer."""

    class Quick(Value):
        def apply(self, module):
            module.NORMAL = module.Patience(*self.value)

    return Quick("git_mlvers.backend.patience", "NORMAL", seconds)


def _install(text):
    told = json.loads(text)
    changes = [Point(**point) for point in told["points"]]
    changes += [Value(**value) for value in told["values"]]
    if told["patience"]:
        changes.append(_patience(told["patience"]))
    for change in changes:
        if change.module in sys.modules:
            change.apply(sys.modules[change.module])
    sys.meta_path.insert(0, Finder(changes))


if "MLVERS_TEST_TROUBLE" in os.environ:
    _install(os.environ["MLVERS_TEST_TROUBLE"])
