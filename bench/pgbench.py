"""pgbench with the same insert: what Postgres itself can do here."""

import asyncio
import re
import tempfile

from sqlalchemy import make_url

from devtools.postgres import wheel

_SCRIPT = """
INSERT INTO inbox_events
    (request_id, body, body_sha256, source, trusted, training_type, correlation_id)
VALUES (gen_random_uuid()::text, convert_to(repeat('x', 1800), 'UTF8'),
        sha256(gen_random_uuid()::text::bytea), 'fal', true, 'portrait', 'bench');
"""


async def transactions_a_second(url: str, clients: int, number: int) -> float:
    """Of `number` inserts, each a commit, by so many clients over their own connections."""
    address = make_url(url)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(_SCRIPT)
        script.flush()
        process = await asyncio.create_subprocess_exec(
            str(wheel.programs() / "pgbench"),
            *["-n", "-M", "prepared", "-f", script.name, "-c", str(clients), "-j", str(min(clients, 2))],
            *["-t", str(max(number // clients, 1)), str(address.database)],
            env={
                "PGHOST": str(address.host),
                "PGPORT": str(address.port),
                "PGUSER": str(address.username),
                "PGPASSWORD": str(address.password),
                "LC_ALL": "C",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
    found = re.search(r"tps = ([0-9.]+)", printed.decode())
    if process.returncode or found is None:
        raise RuntimeError(f"pgbench failed: {printed.decode()[-300:]}")
    return float(found[1])
