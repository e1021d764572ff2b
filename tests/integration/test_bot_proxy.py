"""The bot goes out as everything else of ours does: by HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE."""

import asyncio
import base64
import json
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import trustme
from aiogram import Bot
from aiogram.exceptions import TelegramNetworkError
from pydantic import SecretStr

from app.bot.dispatcher import make_bot
from app.core.settings import TelegramSettings
from app.notifications.sender import TelegramSender
from tests.ports import HOST

NAME = "telegram.example"
SETTINGS = TelegramSettings(token=SecretStr("42:token"), api_url=f"https://{NAME}")
ME = {"id": 42, "is_bot": True, "first_name": "Aisha", "username": "aisha_bot"}


@dataclass
class Proxy:
    """`heads` are the requests to the proxy; all that is asked for leads to one server."""

    target: int
    heads: list[str] = field(default_factory=list)
    tunnels: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tunnels.add(asyncio.create_task(self._lead(reader, writer)))

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        there, back = await asyncio.open_connection(HOST, self.target)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pump(reader, back), _pump(there, writer))
        for end in (writer, back):
            with suppress(OSError):
                await end.wait_closed()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while part := await source.read(65536):
            target.write(part)
            await target.drain()
    target.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps({"ok": True, "result": ME}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        await writer.drain()
    writer.close()


@pytest.fixture
async def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    """The only way to Telegram, whose name nobody else knows."""
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(NAME).configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with AsyncExitStack() as stack:
        telegram = await asyncio.start_server(_answer, HOST, 0, ssl=context)
        await stack.enter_async_context(telegram)
        proxy = Proxy(telegram.sockets[0].getsockname()[1])
        server = await asyncio.start_server(proxy.accept, HOST, 0)
        await stack.enter_async_context(server)
        for variable in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(variable, raising=False)
            monkeypatch.delenv(variable.upper(), raising=False)
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://aisha:pass%40word@{HOST}:{port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        yield proxy
        await asyncio.gather(*proxy.tunnels)


async def introduced(bot: Bot) -> str | None:
    try:
        return (await bot.get_me()).username
    finally:
        await bot.session.close()


async def test_the_bot_goes_by_the_proxy_as_the_doctors_check_does(proxy: Proxy) -> None:
    assert await introduced(make_bot(SETTINGS)) == "aisha_bot"
    async with httpx.AsyncClient() as http:
        assert await TelegramSender(http, SETTINGS).bot_name() == "aisha_bot"
    known = base64.b64encode(b"aisha:pass@word").decode()
    for head in proxy.heads:
        assert head.startswith(f"CONNECT {NAME}:443 ")
        assert f"basic {known}".lower() in head.lower()
    assert len(proxy.heads) == 2


@pytest.mark.parametrize("variable", ["ALL_PROXY", "https_proxy"])
async def test_other_names_of_the_variable(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    port = httpx.URL(os.environ["HTTPS_PROXY"]).port
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setenv(variable, f"{HOST}:{port}")
    assert await introduced(make_bot(SETTINGS)) == "aisha_bot"
    assert "authorization" not in proxy.heads[0].lower()


@pytest.mark.parametrize("past", [NAME, "example", "*"])
async def test_past_the_proxy(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, past: str) -> None:
    monkeypatch.setenv("NO_PROXY", f"other.example,{past}")
    with pytest.raises(TelegramNetworkError):
        await introduced(make_bot(SETTINGS))
    assert proxy.heads == []
