"""What the tests of the Telegram emulator share: the running process, bots, pictures, faults."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import httpx
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from PIL import Image

from tests.ports import free_port

TOKEN = "4242:sandbox-token"
USER_IDS = itertools.count(1001)


class Emulator:
    """A running `python -m sandbox.telegram`."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.telegram", "--port", str(port)],
            env={**os.environ, "TELEGRAM_EMULATOR_TOKEN": TOKEN},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._await_health()

    def _await_health(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"the emulator did not start:\n{self.stop()}")

    def stop(self) -> str:
        """Asks the process to end and gives all that it has printed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=10)[0]


@contextmanager
def running_emulator() -> Iterator[Emulator]:
    emulator = Emulator(free_port())
    try:
        yield emulator
    finally:
        if emulator.process.poll() is None:
            emulator.process.kill()
            emulator.process.communicate()


def aiogram_bot(emulator: Emulator, token: str = TOKEN) -> Bot:
    return Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(emulator.url)))


def picture(width: int, height: int, *, orientation: int = 1) -> bytes:
    """A JPEG, green on top and red below, as a camera stores it."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("green", (0, 0, width, height // 2))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Camera"
    file = BytesIO()
    image.save(file, "JPEG", exif=exif)
    return file.getvalue()


def keyboard(*labels: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text=label, callback_data=label.lower()) for label in labels]]
    )


async def plan(api: httpx.AsyncClient, **fault: object) -> None:
    (await api.post("/control/faults", json=fault)).raise_for_status()
