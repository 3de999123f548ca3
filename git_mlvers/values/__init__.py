"""Values in text files: params and metrics as nested dicts, read from any of their formats.

Knows nothing of Git and of pipelines: bytes come in, plain Python values go out.
"""
