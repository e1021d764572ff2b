"""The whole product in one hand: database, emulators, bot and webhook service as processes of their own."""

import asyncio
import fcntl
import json
import signal
import sys
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx

from sandbox.environment import ADMIN_CHAT_ID, Ports, Secrets, Wiring
from sandbox.fal.client import FalControl
from sandbox.process import Child, ChildDiedError, Program, SandboxError
from sandbox.telegram.user import TelegramUser

T = TypeVar("T")
READY_WITHIN = 60.0  # seconds
POLL = 0.05
ENDING = (("page",), ("bot", "api"), ("telegram", "fal"), ("database",))


class Sandbox:
    """`async with Sandbox(folder) as sandbox:`; every process has ended when it is left, however that is.

    Processes: `database`, `fal`, `telegram`, `bot`, `api`; those that `settings` makes needless are missing.
    With `pictures` and both emulators there is `page` as well.
    Each writes to `log_dir/<name>.log`. One that dies unasked is told on stderr at once.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: Mapping[str, str] | None = None,
        extra_env: Mapping[str, Mapping[str, str]] | None = None,
        training_seconds: float = 1.0,
        pictures: Path | None = None,
    ) -> None:
        """`settings` are the product's own variables: a DATABASE_URL among them takes the place of the
        embedded Postgres (its schema must be at head), credentials take the place of an emulator.
        `extra_env` are variables by process name. `training_seconds` is how long emulated FAL trains.
        `pictures` is where the page keeps its sample pictures; without it there is no page.
        """
        self._data_dir = data_dir.resolve()
        self._secrets = Secrets.invent()
        self._wiring = Wiring(
            data_dir=self._data_dir,
            ports=Ports.free(),
            secrets=self._secrets,
            settings=settings or {},
            extra=extra_env or {},
            training_seconds=training_seconds,
        )
        self._pictures = pictures
        self._children: dict[str, Child] = {}
        self._database_url = (settings or {}).get("DATABASE_URL", "")
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Raises SandboxError: the folder is in use, a process died, or one is not ready in READY_WITHIN."""
        self._death: asyncio.Future[ChildDiedError] = asyncio.get_running_loop().create_future()
        try:
            self._take_folder()
            self._http = await self._open.enter_async_context(httpx.AsyncClient(trust_env=False))
            self.fal = await self._open.enter_async_context(FalControl(self.fal_control_url))
            await self._start_all()
        except BaseException:
            await self._end_all()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end_all()

    @property
    def telegram_url(self) -> str:
        return f"http://127.0.0.1:{self._wiring.ports.telegram}"

    @property
    def fal_control_url(self) -> str:
        return f"http://127.0.0.1:{self._wiring.ports.control}"

    @property
    def api_url(self) -> str:
        return self._wiring.api_url

    @property
    def page_url(self) -> str | None:
        """The page's address, if there is one."""
        return f"http://127.0.0.1:{self._wiring.ports.page}" if "page" in self._children else None

    @property
    def database_url(self) -> str:
        return self._database_url

    @property
    def log_dir(self) -> Path:
        return self._data_dir / "logs"

    @property
    def secrets(self) -> list[str]:
        """Every secret value that was invented, and the database's password."""
        return [*self._secrets.values(), *filter(None, [urlsplit(self._database_url).password])]

    @property
    def telegram_token(self) -> str:
        return self._secrets.telegram_token

    def user(self, user_id: int, *, first_name: str = "Айша", language_code: str = "ru") -> TelegramUser:
        return TelegramUser(self.telegram_url, user_id, first_name=first_name, language_code=language_code)

    def environment(self, name: str) -> Mapping[str, str]:
        """What a process was told, for a command that shall know the same."""
        return self._children[name].environment

    async def kill(self, name: str) -> None:
        """SIGKILL, and wait for the end."""
        await self._children[name].end(signal.SIGKILL)

    @contextmanager
    def standstill(self, name: str) -> Iterator[None]:
        """The process takes connections, and does nothing."""
        self._children[name].signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._children[name].signal(signal.SIGCONT)

    async def stop(self, name: str) -> None:
        """SIGTERM, SIGKILL after a grace, and wait for the end."""
        await self._children[name].end()

    async def start(self, name: str) -> None:
        """Start a process that was ended, with the environment it had, and wait until it is ready.

        The embedded database comes back on another port unless it was killed.
        """
        await self._children[name].start()
        await self.guard(self._ready(name))

    async def guard(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns; ChildDiedError, and the work is cancelled, when a process dies meanwhile."""
        task = asyncio.create_task(work)
        first: list[asyncio.Future[Any]] = [task, self._death]
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise self._death.result()
            return await task
        finally:
            task.cancel()
            await asyncio.wait({task})

    def places(self) -> dict[str, str]:
        """What is where, for a person; addresses without passwords."""
        places = {"webhook service": f"{self.api_url}/health", "logs": f"{self.log_dir}/"}
        if "database" in self._children:
            places["database"] = f"its address is in {self._data_dir}/postgres/connection"
        if self._wiring.emulates_telegram:
            places["Telegram"] = f"{self.telegram_url}/user/<id>/chat (sandbox/telegram/user_api.py)"
        if self._wiring.emulates_fal:
            places["FAL"] = f"{self.fal_control_url}/requests (sandbox/fal/control.py)"
        return places

    def last_lines(self) -> str:
        """The end of each process's log, for a report of what went wrong."""
        return "\n".join(f"--- {child.log}\n{child.last_lines()}" for child in self._children.values())

    async def _start_all(self) -> None:
        wiring = self._wiring
        programs = [] if self._database_url else [wiring.database()]
        programs += [wiring.fal()] if wiring.emulates_fal else []
        programs += [wiring.telegram()] if wiring.emulates_telegram else []
        await self._start_together(programs)
        if wiring.emulates_telegram:
            async with self.user(ADMIN_CHAT_ID, first_name="Оператор"):
                pass  # an operator who has never opened the chat can't be written to
        await self._start_together([wiring.bot(self._database_url), wiring.api(self._database_url)])
        if self._pictures and wiring.emulates_telegram and wiring.emulates_fal:
            page = wiring.page(self._database_url, self.log_dir, self._pictures)
            await self._start_together([page])

    async def _start_together(self, programs: list[Program]) -> None:
        for program in programs:
            log = self.log_dir / f"{program.name}.log"
            self._children[program.name] = Child(program, self._data_dir, log, self._mourn)
            await self._children[program.name].start()
        for program in programs:
            await self.guard(self._ready(program.name))

    async def _ready(self, name: str) -> None:
        child = self._children[name]
        try:
            async with asyncio.timeout(READY_WITHIN):
                await self._probe(child)
        except TimeoutError:
            words = f"{name} is not ready after {READY_WITHIN:g} s. Its last lines ({child.log}):"
            raise SandboxError(f"{words}\n{child.last_lines()}") from None

    async def _probe(self, child: Child) -> None:
        """Returns when the process does its work; a real Telegram is not asked whether the bot polls it."""
        match child.name:
            case "database":
                self._database_url = json.loads(await child.announcement())["url"]
            case "fal":
                await self._answers(f"{self.fal_control_url}/health")
            case "telegram":
                await self._answers(f"{self.telegram_url}/health")
            case "api":
                await self._answers(f"{self.api_url}/health")
            case "page":
                await self._answers(f"{self.page_url}/health")
            case "bot" if self._wiring.emulates_telegram:
                await self._introduced_itself(child)

    async def _answers(self, url: str) -> None:
        while True:
            with suppress(httpx.TransportError):
                if (await self._http.get(url)).is_success:
                    return
            await asyncio.sleep(POLL)

    async def _introduced_itself(self, bot: Child) -> None:
        """A bot's first call is getMe."""
        calls = f"{self.telegram_url}/control/calls?method=getMe"
        while True:
            if any(call["time"] >= bot.started_at for call in (await self._http.get(calls)).json()):
                return
            await asyncio.sleep(POLL)

    def _take_folder(self) -> None:
        """Two sandboxes in one folder would overwrite each other's certificates and logs."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        lock = self._open.enter_context((self._data_dir / "sandbox.lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SandboxError(f"another sandbox runs in {self._data_dir}: end it first") from None
        for log in self.log_dir.glob("*.log"):
            log.unlink()

    async def _end_all(self) -> None:
        for names in ENDING:
            await asyncio.gather(*[self._children[name].end() for name in names if name in self._children])
        await self._end_orphaned_database()
        await self._open.aclose()

    async def _end_orphaned_database(self) -> None:
        """Postgres outlives a launcher that was killed; the next launcher takes it over, and ends it."""
        launcher = self._children.get("database")
        if launcher is not None and launcher.was_killed:
            await launcher.start()
            await launcher.end()

    def _mourn(self, death: ChildDiedError) -> None:
        print(death, file=sys.stderr, flush=True)
        if not self._death.done():
            self._death.set_result(death)
