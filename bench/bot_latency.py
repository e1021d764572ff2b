"""The bot while people upload albums: does it still answer the others at once?"""

import asyncio
import re
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import httpx

from bench.environment import HOST, BenchEnvironment, free_port
from bench.photos import painted
from bench.report import Spread, Target, console, show
from sandbox.supervisor import Sandbox
from sandbox.telegram.chat import ChatMessage
from sandbox.telegram.user import TelegramUser

_UPLOADERS, _ALBUM = 5, 10
_QUALITY = 88
_FIRST_ID = 7_000_000_001
_LAG = re.compile(r'aisha_bot_loop_lag_seconds_bucket\{le="([^"]+)"\} (\S+)')
_LAG_AT_MOST = 0.05  # seconds
_BETWEEN_QUESTIONS = 0.1
_PATIENCE = 120.0


async def uploading(environment: BenchEnvironment, repetitions: int) -> None:
    """Five people upload albums of ten, a sixth one says /start again and again."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = await painted(folder / "pictures", _ALBUM, _QUALITY)
        metrics = free_port()
        harness = await environment.another("uploading")
        settings = {"DATABASE_URL": harness.url}
        bot = {"BOT_METRICS_PORT": str(metrics), "PHOTO_FACES": "off"}  # the faces are an extra
        async with Sandbox(folder / "data", settings=settings, extra_env={"bot": bot}) as sandbox:
            rounds = [await _round(sandbox, metrics, pictures, number) for number in range(repetitions)]
    answers = sorted(answer for answered, _, _ in rounds for answer in answered)
    _, lags, seconds = zip(*rounds, strict=True)
    show(
        f"{_UPLOADERS} people upload albums of {_ALBUM} photos of 12 megapixels",
        [
            Target("all albums answered", Spread(seconds), "s"),
            Target(f"/start answered, p99 of {len(answers)}", Spread([_p99(answers)]), "ms", most=300),
            Target(
                f"the event loop at most {_LAG_AT_MOST * 1000:g} ms late",
                Spread(lags),
                "%",
                least=99,
            ),
        ],
    )


async def _round(
    sandbox: Sandbox, metrics: int, pictures: Sequence[Path], number: int
) -> tuple[list[float], float, float]:
    """The answers in ms, per cent of the loop's rounds in time, and the seconds it all took."""
    console.print(f"uploading: {number}", style="dim")
    first = _FIRST_ID + number * (_UPLOADERS + 1)
    await asyncio.gather(*[_draft(sandbox, first + place) for place in range(_UPLOADERS)])
    before = await _lags(metrics)
    began = time.perf_counter()
    uploads = [asyncio.create_task(_upload(sandbox, first + place, pictures)) for place in range(_UPLOADERS)]
    answers = await _ask(sandbox, first + _UPLOADERS, uploads)
    await asyncio.gather(*uploads)
    seconds = time.perf_counter() - began
    after = await _lags(metrics)
    rounds = {bound: after[bound] - before[bound] for bound in after}
    in_time = 100 * rounds[str(_LAG_AT_MOST)] / rounds["+Inf"]
    return answers, in_time, seconds


def _p99(values: Sequence[float]) -> float:
    return values[int(len(values) * 0.99)]


async def _draft(sandbox: Sandbox, user_id: int) -> None:
    async with TelegramUser(sandbox.telegram_url, user_id, language_code="en") as user:
        await user.send("/new")
        for label in ("👤 Portrait", "Female"):
            await user.wait_for(partial(_offers, label), timeout=_PATIENCE)
            await user.press(label)
        await user.wait_for(lambda message: "Step 3" in message.text, timeout=_PATIENCE)
        await user.send("Bench")
        await user.wait_for(lambda message: "0 of 10" in message.text, timeout=_PATIENCE)


def _offers(label: str, message: ChatMessage) -> bool:
    return label in message.labels


async def _upload(sandbox: Sandbox, user_id: int, pictures: Sequence[Path]) -> None:
    async with TelegramUser(sandbox.telegram_url, user_id, language_code="en") as user:
        await user.send_album(pictures, as_documents=True)
        await user.wait_for(lambda message: "accepted" in message.text, timeout=_PATIENCE)


async def _ask(sandbox: Sandbox, user_id: int, uploads: Sequence[asyncio.Task[None]]) -> list[float]:
    """How many ms each /start waited for its answer, until the last album is answered."""
    answers = []
    async with TelegramUser(sandbox.telegram_url, user_id, language_code="en") as user:
        while not all(upload.done() for upload in uploads):
            asked = await user.send("/start")
            began = time.perf_counter()  # Telegram has it now
            await user.wait_for(lambda message: True, since=asked.seq, timeout=_PATIENCE)
            answers.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(_BETWEEN_QUESTIONS)
    return answers


async def _lags(port: int) -> dict[str, float]:
    """Rounds of the bot's event loop by how late they were."""
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"http://{HOST}:{port}/metrics")).text
    return {bound: float(count) for bound, count in _LAG.findall(text)}
