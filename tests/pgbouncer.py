"""pgbouncer before a test's Postgres, on a free port of this machine."""

import asyncio
import os
from asyncio.subprocess import DEVNULL, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

from sqlalchemy import make_url

from tests.ports import HOST, free_port
from tests.programs import needs

DEADLINE = 15.0
needs_pgbouncer = needs("pgbouncer", "pgbouncer")
Mode = Literal["session", "transaction"]


@asynccontextmanager
async def pgbouncer(folder: Path, url: str, mode: Mode, **options: object) -> AsyncIterator[str]:
    """The address of the same database through it; the folder is one that others may enter."""
    server, port = make_url(url), free_port()
    lines = {"listen_addr": HOST, "listen_port": port, "unix_socket_dir": "", "auth_type": "any"}
    lines |= {"pool_mode": mode, "default_pool_size": 100, **options}
    target = f"host={server.host} port={server.port} user={server.username} password={server.password}"
    settings = folder / "pgbouncer.ini"
    head = ["[databases]", f"* = {target}", "[pgbouncer]"]
    settings.write_text("\n".join([*head, *[f"{name} = {value}" for name, value in lines.items()]]))
    lower = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to be root
    process = await create_subprocess_exec("pgbouncer", *lower, str(settings), stderr=DEVNULL)
    try:
        await _answers(port)
        yield server.set(port=port).render_as_string(hide_password=False)
    finally:
        process.terminate()
        await process.wait()


async def _answers(port: int) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection(HOST, port)
                writer.close()
                return
            await asyncio.sleep(0.02)
