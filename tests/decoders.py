"""Decoding where no process of its own is the claim: the same tasks and the same JSON, in a thread."""

import asyncio
import json
from typing import Any

from app.photos.decoders import result_of
from app.photos.decoding import answer
from app.photos.service import Decoders


class ThreadDecoder:
    busy = False

    async def run(self, task: str, **arguments: Any) -> Any:
        given = json.loads(json.dumps(arguments))
        return result_of(json.loads(json.dumps(await asyncio.to_thread(answer, task, given))))


IN_A_THREAD = ThreadDecoder()
IN_THREADS = Decoders(IN_A_THREAD, IN_A_THREAD, IN_A_THREAD, IN_A_THREAD)
