"""Azurite, Microsoft's own stand-in for Azure Blob Storage, for tests."""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.support import servers

VERSION = "3.37.0"
ACCOUNT = "devstoreaccount1"
# The well-known one of every Azurite; it opens nothing else.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

_PROGRAM = """
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
process.argv.splice(1, 0, 'azurite');
require(process.argv.pop());
"""
_LISTENING = re.compile(r"successfully listens on (http://127\.0\.0\.1:\d+)")
_numbers = itertools.count(1)


class AzureServer(NamedTuple):
    """Where Azurite is."""

    endpoint: str

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for a proxy in front of it."""
        parts = urlsplit(self.endpoint)
        return parts.hostname or "127.0.0.1", parts.port or 80

    def options(self, endpoint: str | None = None) -> dict[str, str]:
        """What a remote there is configured with; `endpoint` is that of a proxy."""
        return {
            "endpointurl": f"{endpoint or self.endpoint}/{ACCOUNT}",
            "accountname": ACCOUNT,
            "accountkey": KEY,
        }

    def environment(self) -> dict[str, str]:
        """The same as the cloud's own variable, for a program that is started."""
        return {"AZURE_STORAGE_CONNECTION_STRING": self._connection}

    def new_container(self) -> str:
        """The name of an empty container that was just made."""
        from azure.storage.blob.aio import BlobServiceClient

        name = f"container-{os.getpid()}-{next(_numbers)}-{os.urandom(4).hex()}"

        async def make() -> None:
            async with BlobServiceClient.from_connection_string(self._connection) as client:
                await client.create_container(name)

        asyncio.run(make())
        return name

    @property
    def _connection(self) -> str:
        return f"BlobEndpoint={self.endpoint}/{ACCOUNT};AccountName={ACCOUNT};AccountKey={KEY}"


@functools.cache
def azure_server() -> AzureServer:
    """The one server of this test process, started at the first call."""
    folder = servers.from_npm("azurite", VERSION)
    main = folder / "dist/src/blob/main.js"
    flags = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    where = ["--blobHost", "127.0.0.1", "--blobPort", "0"]
    argv = ["node", "-e", _PROGRAM, "--", *where, *flags, str(main)]
    return AzureServer(servers.start(argv, _LISTENING))
