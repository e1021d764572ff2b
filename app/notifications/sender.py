"""The Bot API over plain HTTP, as much of it as telling a person needs."""

import hashlib
from typing import Any

import httpx

from app.core.buttons import Screen
from app.core.errors import AishaError
from app.core.settings import TelegramSettings

# A proxy that refuses to connect was told where to, and nothing more; what can't be written down isn't sent.
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.LocalProtocolError,
)

_LONGEST_WAIT = 24 * 3600  # seconds; the job comes again, and then Telegram may say it once more
_LONGEST_DESCRIPTION = 500


class TooManyRequests(AishaError):
    """Telegram asks to wait; nothing was sent."""

    reason = "telegram-too-many-requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after=retry_after)
        self.retry_after = retry_after


class Rejected(AishaError):
    """Repeating won't help: the message is malformed, or nothing reaches the person, who is `unreachable`."""

    reason = "telegram-rejected"

    def __init__(self, description: str, *, unreachable: bool) -> None:
        super().__init__(description=description)
        self.description = description
        self.unreachable = unreachable


class TokenRefused(AishaError):
    """Telegram doesn't know the bot's token."""

    reason = "telegram-token-refused"


class NotSent(AishaError):
    """Telegram was not reached: nothing was sent."""

    reason = "telegram-not-sent"


class Ambiguous(AishaError):
    """No answer came back: the message may be in the chat."""

    reason = "telegram-ambiguous"


class TelegramSender:
    """Sends messages as the bot. The address holds the token, so it never gets into an error or a log.

    `fingerprint` tells tokens apart and doesn't give them away.
    """

    def __init__(self, http: httpx.AsyncClient, settings: TelegramSettings) -> None:
        token = settings.token.get_secret_value()
        self._http = http
        self._timeout = settings.timeout
        self._url = f"{settings.api_url.rstrip('/')}/bot{token}"
        self.fingerprint = hashlib.sha256(token.encode()).digest()

    async def send(self, chat_id: int, screen: Screen) -> int:
        """Send a message; its id.

        Raises:
            TooManyRequests, Rejected, TokenRefused, NotSent: nothing is in the chat.
            Ambiguous: the message may be.
        """
        try:
            response = await self._http.post(
                f"{self._url}/sendMessage", json=_body(chat_id, screen), timeout=self._timeout
            )
            answer = response.json()
            if answer.get("ok"):
                return _message_id(answer["result"]["message_id"])
        except _NEVER_SENT as error:
            raise NotSent from error
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Ambiguous from error  # an answer that isn't Telegram's is none
        raise _refusal(response.status_code, answer)

    async def bot_name(self) -> str:
        """Whom the token is of, without the @.

        Raises:
            TokenRefused: Telegram doesn't know it.
            NotSent: Telegram was not reached, or what answered is something else.
        """
        try:
            response = await self._http.post(f"{self._url}/getMe", timeout=self._timeout)
            answer = response.json()
            if answer["ok"]:
                return str(answer["result"]["username"])
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            ValueError,
            KeyError,
            TypeError,
            RecursionError,
        ) as error:
            raise NotSent from error
        if isinstance(_refusal(response.status_code, answer), TokenRefused):
            raise TokenRefused
        raise NotSent

    async def token_works(self) -> bool:
        """Whether Telegram says so; no answer is no."""
        try:
            response = await self._http.post(f"{self._url}/getMe", timeout=self._timeout)
        except httpx.HTTPError:
            return False
        return response.is_success


def _refusal(status_code: int, answer: dict[str, Any]) -> AishaError:
    if status_code == httpx.codes.TOO_MANY_REQUESTS:
        return TooManyRequests(_retry_after(answer.get("parameters")))
    if status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.NOT_FOUND):
        return TokenRefused()
    if status_code in (httpx.codes.BAD_REQUEST, httpx.codes.FORBIDDEN):
        told = str(answer.get("description", status_code))
        description = "".join(filter(str.isprintable, told[:_LONGEST_DESCRIPTION]))
        nobody_there = status_code == httpx.codes.FORBIDDEN or "chat not found" in description
        return Rejected(description, unreachable=nobody_there)
    return Ambiguous()


def _retry_after(parameters: object) -> int:
    """Seconds; a moment where Telegram doesn't say how long, or nothing that can be meant."""
    wait = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return min(wait, _LONGEST_WAIT) if isinstance(wait, int) and wait > 0 else 1


def _message_id(value: object) -> int:
    """Raises ValueError: it is none that Telegram gives."""
    if not isinstance(value, int) or not 0 < value < 2**31:
        raise ValueError("no message id")
    return value


def _body(chat_id: int, screen: Screen) -> dict[str, Any]:
    body: dict[str, Any] = {
        "chat_id": chat_id,
        "text": screen.text,
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }
    if screen.rows:
        body["reply_markup"] = {
            "inline_keyboard": [
                [{"text": button.label, "callback_data": button.action.pack()} for button in row]
                for row in screen.rows
            ]
        }
    return body
