"""What checks work with: the settings as far as they can be read, and the ways to everything else."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property

import httpx

from app.core.settings import Problem, Settings
from app.core.urls import unusable_proxies
from app.database.address import database_url
from app.database.engine import Database

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses that a name stands for, as this machine sees it; raises OSError where there are none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass
class DoctorContext:
    """`http` goes out as the processes do, through their proxy if they have one. `closing` tidies up."""

    settings: Settings
    problems: Sequence[Problem]
    http: httpx.AsyncClient
    closing: AsyncExitStack
    resolve: Resolve = field(default=resolve)

    @cached_property
    def database(self) -> Database:
        """Raises CannotStart or SQLAlchemyError where there is no usable address; `database` looks first."""
        database = Database(database_url(self.settings.general))
        self.closing.push_async_callback(database.close)
        return database

    @property
    def missing(self) -> frozenset[str]:
        return frozenset(problem.variable for problem in self.problems)


@asynccontextmanager
async def doctor_context(settings: Settings, problems: Sequence[Problem]) -> AsyncIterator[DoctorContext]:
    async with AsyncExitStack() as closing:
        # A proxy that httpx refuses is among the problems; the checks that run all the same go without it.
        usable = not list(unusable_proxies())
        http = await closing.enter_async_context(httpx.AsyncClient(timeout=8, trust_env=usable))
        yield DoctorContext(settings, problems, http, closing)
