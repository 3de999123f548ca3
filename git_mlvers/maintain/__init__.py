"""Looking after a repository: what is where, whether it is sound, and what may go.

`listing` and `status` tell, `prune` deletes from the cache what a remote has,
`fsck` checks cache, pointers and remote, `merge` is the merge driver. Each
gets a `Workspace` and gives values back; how they are shown is for the caller.
"""
