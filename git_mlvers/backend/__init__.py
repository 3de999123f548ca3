"""Raw keys and bytes of one store: a directory, a bucket, whatever fsspec knows.

The only package that names a cloud. `base.Backend` is what a store can do;
`registry.open_backend` makes one from an address::

    backend = open_backend("s3://bucket/prefix", {"region": "eu-west-1"})
    backend.put("content/packs/ab/abcd", data)

What a store is *for* is not known here. Retry and counting are wrappers that
are backends themselves, and so are the faults of the tests.
"""
