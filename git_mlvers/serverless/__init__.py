"""A git repository kept on a backend, with no server: immutable packs and one manifest.

The manifest names all refs and all packs. Whoever changes the repository
brings what is new as packs first and then replaces the manifest, on the
condition that it is still the one that was read. So there is always one whole
state, old or new, and nobody's push is lost.
"""
