"""``python -m git_mlvers``: the same as the ``git-mlvers`` program."""

from git_mlvers.cli.main import entry

if __name__ == "__main__":
    entry()
