"""A place for content on a backend: which files it has, bringing files there, getting them back."""
