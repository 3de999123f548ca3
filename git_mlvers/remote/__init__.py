"""A place for content on a backend: which files it has, bringing files there, getting them back."""

from git_mlvers.remote.model import Item, Outcome, Problem, Sink, Source, Term, UploadReport
from git_mlvers.remote.remote import Remote

__all__ = ["Item", "Outcome", "Problem", "Remote", "Sink", "Source", "Term", "UploadReport"]
