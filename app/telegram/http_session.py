"""The HTTP client that speaks to the Bot API."""

from typing import Any, ClassVar

import httpx
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.exceptions import ClientDecodeError, TelegramServerError
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiohttp import ClientSession, TCPConnector
from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict  # Python 3.11's own is refused by pydantic

from app.core.urls import proxy_for

_UNREADABLE = "an answer that can't be read"


@with_config(ConfigDict(extra="allow"))
class Numbered(TypedDict):
    """An update as it came. Without its number Telegram couldn't be told that it has come."""

    update_id: int


class GetUpdates(TelegramMethod[list[Numbered]]):
    """Telegram's `getUpdates`, each update as it came: one that can't be read must not hide the others."""

    __returning__: ClassVar[Any] = list[Numbered]
    __api_method__: ClassVar[str] = "getUpdates"

    offset: int | None
    timeout: int
    allowed_updates: list[str]


class Session(AiohttpSession):
    """Keeps the models that answers are read with, and its tongue about those that can't be read.

    It goes out as httpx does, by the same proxy and with the same certificates: aiogram's own way knows
    neither HTTPS_PROXY nor SSL_CERT_FILE.

    aiogram names such a model for each answer, pydantic forgets it as soon as nobody holds it, and to make it
    anew was a fifth of a busy bot's time.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._models: dict[type[TelegramMethod[Any]], type[Response[Any]]] = {}
        self._connector_init["ssl"] = httpx.create_ssl_context()

    async def create_session(self) -> ClientSession:
        if self._session is None or self._session.closed:
            connector = TCPConnector(**self._connector_init)
            self._session = ClientSession(connector=connector, proxy=proxy_for(self.api.base))
        return self._session

    def check_response(
        self, bot: Bot, method: TelegramMethod[TelegramType], status_code: int, content: str
    ) -> Response[TelegramType]:
        """
        Raises:
            TelegramServerError: also for what isn't Telegram's, like a proxy's page; its words go nowhere.
        """
        if type(method) not in self._models:
            self._models[type(method)] = Response[method.__returning__]  # type: ignore[name-defined]  # a type that is known at run time only
        try:
            return super().check_response(bot, method, status_code, content)
        except ClientDecodeError:
            raise TelegramServerError(method, f"{_UNREADABLE} ({status_code})") from None

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109 - aiogram's signature
    ) -> TelegramType:
        try:
            return await super().make_request(bot, method, timeout)
        except UnicodeDecodeError:
            raise TelegramServerError(method, _UNREADABLE) from None
