"""What is configured, and where it comes from.

`Config.load` takes a snapshot of git config, the environment, and the committed
``.mlversconfig``; the rest of the library gets plain values out of it::

    config = Config.load(repository, os.environ)
    config.strict                     # a value, read and checked
    config.origin_of("mlvers.strict") # the same with its place, for `env`
    config.default_remote("origin")   # where content goes
"""

from git_mlvers.config.committed import FILE_NAME
from git_mlvers.config.remotes import RemoteSettings, UntrustedRemote
from git_mlvers.config.snapshot import Config
from git_mlvers.config.values import ConfigError, Value

__all__ = ["FILE_NAME", "Config", "ConfigError", "RemoteSettings", "UntrustedRemote", "Value"]
