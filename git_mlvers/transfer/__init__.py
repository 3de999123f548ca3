"""Moving content between the cache and the remotes.

`download` and `Fetcher` bring content into the cache; `push` brings to a remote
what the commits about to be pushed need. Everything here gets its parts
(a repository, a cache, remotes) as arguments; results come back as values.
"""

from git_mlvers.transfer.download import Outcome, download
from git_mlvers.transfer.fetcher import Fetcher

__all__ = ["Fetcher", "Outcome", "download"]
