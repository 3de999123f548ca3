"""The local store of whole files by oid, shared by all worktrees of a repository.

Under the root of a cache: ``objects/ab/cd/<hex>`` for large files, ``packs/``
for small ones, ``tmp/`` for what is being written, ``bad/`` for what was found
damaged. `Cache` is all that other parts need.
"""

from git_mlvers.cache.cache import Cache
from git_mlvers.cache.packs import SMALL
from git_mlvers.cache.upkeep import Removed, Usage

__all__ = ["SMALL", "Cache", "Removed", "Usage"]
