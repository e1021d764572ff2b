"""The body of a callback, as bytes: its signature is over exactly these."""

import asyncio

from starlette.types import Receive

from api_server.errors import BodyIncomplete, BodyTooLarge
from app.inbox.store import Overloaded

MAX_BYTES = 1024 * 1024
SMALL_BYTES = 64 * 1024
LARGE_AT_ONCE = 8


class BodyReader:
    """Bodies are counted while they are read, whatever length is announced; each has `seconds` to be whole.

    A callback has a few kilobytes. Of those that grow past `SMALL_BYTES`, only `LARGE_AT_ONCE` are read at a
    time: no crowd of large ones fills the memory, or keeps a usual one out.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._large = 0

    async def read(self, receive: Receive) -> bytes:
        """The whole body.

        Raises:
            BodyTooLarge: it is longer than `MAX_BYTES`.
            BodyIncomplete: the rest didn't come in time, or the caller hung up.
            Overloaded: it is large, and enough of those are being read.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await self._whole(receive)
        except TimeoutError as error:
            raise BodyIncomplete from error

    async def _whole(self, receive: Receive) -> bytes:
        body, large = bytearray(), False
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BodyIncomplete
                body += message.get("body", b"")
                if len(body) > MAX_BYTES:
                    raise BodyTooLarge
                if len(body) > SMALL_BYTES and not large:
                    if self._large == LARGE_AT_ONCE:
                        raise Overloaded
                    large = True
                    self._large += 1
                if not message.get("more_body"):
                    return bytes(body)
        finally:
            self._large -= large
