"""What each process of the sandbox is told: ports, invented secrets, and an environment with nothing else."""

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from itertools import islice
from pathlib import Path
from random import SystemRandom
from typing import Self
from urllib.parse import urlsplit

from sandbox.fal.ca import BUNDLE_NAME
from sandbox.fal.proxy import child_environment
from sandbox.process import Program

ROOT = Path(__file__).parents[1]
LOOPBACK = "127.0.0.1"
ADMIN_CHAT_ID = 1000
# Otherwise glibc keeps what a picture took for the thread that drew it (mallopt(3), M_MMAP_THRESHOLD).
_LARGE_BLOCKS_GO_BACK = {"MALLOC_MMAP_THRESHOLD_": str(1024**2)}


@dataclass(frozen=True)
class Secrets:
    """Invented anew for each start, in the shapes of the real ones."""

    telegram_token: str
    fal_key: str
    webhook_secret: str
    admin_token: str

    @classmethod
    def invent(cls) -> Self:
        return cls(
            telegram_token=f"{secrets.randbelow(9 * 10**9) + 10**9}:{secrets.token_urlsafe(26)}",
            fal_key=f"{secrets.token_hex(16)}:{secrets.token_hex(16)}",
            webhook_secret=secrets.token_hex(32),
            admin_token=secrets.token_hex(32),
        )

    def values(self) -> list[str]:
        return list(astuple(self))


@dataclass(frozen=True)
class Ports:
    """Loopback ports: FAL's hosts, the proxy that leads there, its control; Telegram; the service; page."""

    fal: int
    proxy: int
    control: int
    telegram: int
    api: int
    page: int

    @classmethod
    def free(cls) -> Self:
        """Below those that outgoing connections get: none of them takes a port before its server does."""
        found = filter(_is_free, SystemRandom().sample(range(10_000, 20_000), 1_000))
        return cls(*islice(found, len(fields(cls))))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


@dataclass(frozen=True)
class Wiring:
    """Who talks to whom. What `settings` has credentials for is real, the rest is emulated.

    settings: variables of the product's own (docs/contract: Environment), for the bot and the service.
    extra: more variables by process name; they win.
    """

    data_dir: Path
    ports: Ports
    secrets: Secrets
    settings: Mapping[str, str]
    extra: Mapping[str, Mapping[str, str]]
    training_seconds: float

    @property
    def emulates_telegram(self) -> bool:
        return not self.settings.get("TELEGRAM_TOKEN")

    @property
    def emulates_fal(self) -> bool:
        return not (self.settings.get("FAL_API_KEY") or self.settings.get("FAL_KEY"))

    @property
    def api_url(self) -> str:
        return f"http://{LOOPBACK}:{self._product.get('API_PORT', 8000)}"

    def database(self) -> Program:
        arguments = ("--data-dir", str(self.data_dir), "--migrate")
        return self._program("database", "devtools.postgres.embedded", arguments, {}, announces=True)

    def fal(self) -> Program:
        options = {
            "--data-dir": self.data_dir / "fal",
            "--port": self.ports.fal,
            "--proxy-port": self.ports.proxy,
            "--control-port": self.ports.control,
            "--training-seconds": self.training_seconds,
        }
        return self._program(
            "fal", "sandbox.fal", _words(options), {"FAL_EMULATOR_KEY": self.secrets.fal_key}
        )

    def telegram(self) -> Program:
        token = {"TELEGRAM_EMULATOR_TOKEN": self.secrets.telegram_token}
        return self._program("telegram", "sandbox.telegram", ("--port", str(self.ports.telegram)), token)

    def page(self, database_url: str, logs: Path, pictures: Path) -> Program:
        options = {
            "--port": self.ports.page,
            "--telegram": f"http://{LOOPBACK}:{self.ports.telegram}",
            "--fal": f"http://{LOOPBACK}:{self.ports.control}",
            "--logs": logs,
            "--pictures": pictures,
        }
        return self._program("page", "sandbox.page", _words(options), {"DATABASE_URL": database_url})

    def bot(self, database_url: str) -> Program:
        return self._program("bot", "app.main", (), {**self._product, "DATABASE_URL": database_url})

    def api(self, database_url: str) -> Program:
        return self._program("api", "api_server", (), {**self._product, "DATABASE_URL": database_url})

    @property
    def _product(self) -> dict[str, str]:
        """For the bot and the webhook service alike, as in production."""
        environment = {**self.settings, "DATA_DIR": str(self.data_dir)}
        if self.emulates_telegram:
            environment |= {
                "TELEGRAM_TOKEN": self.secrets.telegram_token,
                "TELEGRAM_API_URL": f"http://{LOOPBACK}:{self.ports.telegram}",
                "ADMIN_CHAT_ID": str(ADMIN_CHAT_ID),
            }
        if self.emulates_fal:
            environment = {k: v for k, v in environment.items() if not k.lower().endswith("_proxy")}
            environment |= self._emulated_fal()
        return environment

    def _emulated_fal(self) -> dict[str, str]:
        """FAL calls back over loopback; the product's only ways out lead to the emulator and to Telegram."""
        telegram = urlsplit(self.settings.get("TELEGRAM_API_URL") or "https://api.telegram.org").hostname
        way_out = child_environment(self.ports.proxy, self.data_dir / "fal" / BUNDLE_NAME)
        address = f"http://{LOOPBACK}:{self.ports.api}/api/v1/avatar/status_update"
        return {
            "ENVIRONMENT": "development",
            "FAL_API_KEY": self.secrets.fal_key,
            "FAL_WEBHOOK_URL": address,
            "FAL_WEBHOOK_SECRET": self.secrets.webhook_secret,
            "ADMIN_TOKEN": self.secrets.admin_token,
            "API_HOST": LOOPBACK,
            "API_PORT": str(self.ports.api),
            "LOG_FORMAT": "json",
            **way_out,
            "NO_PROXY": f"{way_out['NO_PROXY']},{telegram}",
        }

    def _program(
        self,
        name: str,
        module: str,
        arguments: tuple[str, ...],
        own: Mapping[str, str],
        *,
        announces: bool = False,
    ) -> Program:
        environment = {
            **{key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ},
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            **_LARGE_BLOCKS_GO_BACK,
            **own,
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(ROOT),
            **self.extra.get(name, {}),
        }
        return Program(name, module, arguments, environment, announces)


def _words(options: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(str(word) for option in options.items() for word in option)
