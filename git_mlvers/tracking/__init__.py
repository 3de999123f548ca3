"""What is remembered of runs and commits: notes that are written by themselves, and travel.

`switch` turns it on for a repository, `record` writes what a commit's own files
say, `view` makes the plain words of it that ``git log`` shows, `adopt` gives notes of
rewritten commits to the new ones, `sync` exchanges them with git remotes.
"""
