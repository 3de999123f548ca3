"""Large files in plain Git, kept in a cloud of the user's own."""

__version__ = "0.1.0"
