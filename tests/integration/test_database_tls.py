"""What `sslmode` asks for is what whoever connects gets: processes, workers, migrations, the poller."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from app.core.errors import CannotStart
from app.core.settings import Settings
from app.core.urls import read_database_url
from app.database import revision
from app.database.engine import Database
from app.database.startup import open_database
from app.jobs.pgqueuer_driver import connection_pool
from app.telegram.poller_lock import PollerLock
from tests.pgbouncer import needs_pgbouncer, pgbouncer
from tests.unit.settings import PRODUCTION, put

pytestmark = needs_pgbouncer


@pytest.fixture
async def encrypting(open_folder: Path, database_url: str) -> AsyncIterator[str]:
    """Postgres behind TLS, and nothing without it; who vouches for it is in `root.crt` of the folder."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(open_folder / "root.crt")
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(open_folder / "server.pem")
    (open_folder / "server.pem").chmod(0o644)
    own = dict.fromkeys(["client_tls_key_file", "client_tls_cert_file"], open_folder / "server.pem")
    async with pgbouncer(open_folder, database_url, "session", client_tls_sslmode="require", **own) as url:
        yield url.replace("postgresql+asyncpg://", "postgres://")


@pytest.mark.parametrize("query", ["sslmode=require", "sslmode=verify-full&sslrootcert={root}"])
async def test_whoever_connects_does_it_over_tls(encrypting: str, open_folder: Path, query: str) -> None:
    url = read_database_url(f"{encrypting}?{query.format(root=open_folder / 'root.crt')}")
    await asyncio.to_thread(revision.upgrade, url)
    database = Database(url)
    async with connection_pool(url) as pool, PollerLock(url, 1):
        assert await pool.fetchval("SELECT 1") == 1
        assert await revision.behind(database.engine) == []
    await database.close()


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("sslmode=disable", "DBAPIError"),
        ("sslmode=verify-full", "SSLCertVerificationError"),
        ("sslmode=require&channel_binding=require", "SSLCertVerificationError"),
    ],
)
async def test_what_does_not_fit_is_told_in_words(
    encrypting: str, monkeypatch: pytest.MonkeyPatch, query: str, why: str
) -> None:
    put(monkeypatch, {**PRODUCTION, "DATABASE_URL": f"{encrypting}?{query}"})
    with pytest.raises(CannotStart, match=rf"does not answer \(({why})\)"):
        async with open_database(Settings.load()):
            pass
