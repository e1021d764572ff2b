"""Photos are decoded in processes that may take too long, or die, and leave nobody waiting."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from app.core.settings import PhotoSettings
from app.photos.decoders import DecoderPool, DecodingFailed, DecodingTookTooLong
from app.photos.refusals import PhotoBroken, PhotoTooSmall
from sandbox.environment import ROOT
from tests.images import blocks, encoded, noise, stored
from tests.integration.jobs_harness import until

PATIENCE = 30
THRESHOLDS = PhotoSettings().model_dump(mode="json")


@pytest.fixture
async def pool() -> AsyncIterator[DecoderPool]:
    pool = DecoderPool(1, PATIENCE)
    yield pool
    await pool.close()
    assert children() == set()


def children(of: int | str = "self") -> set[int]:
    """The processes that decode for this one."""
    found = set()
    for task in Path(f"/proc/{of}/task").iterdir():
        with suppress(OSError):  # this thread has ended since they were listed
            found |= {int(pid) for pid in (task / "children").read_text().split()}
    return {pid for pid in found if b"app.photos.decoding" in _command(pid)}


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


async def check(pool: DecoderPool, path: Path) -> Any:
    return await pool.run("check", path=str(path), portrait=False, settings=THRESHOLDS)


async def stopped_while_at_work(pool: DecoderPool, photo: Path, number: int) -> asyncio.Task[Any]:
    """A check of a harmless photo whose process gets this signal before it can answer."""
    await check(pool, photo)
    [pid] = children()
    os.kill(pid, signal.SIGSTOP)
    task = asyncio.create_task(check(pool, photo))
    await asyncio.sleep(0)
    os.kill(pid, number)
    return task


async def test_a_photo_is_judged_and_a_refusal_comes_with_its_details(
    pool: DecoderPool, tmp_path: Path
) -> None:
    facts = await check(pool, stored(tmp_path, encoded(blocks(1))))
    assert (facts["format"], facts["width"], facts["height"]) == ("jpeg", 640, 520)
    with pytest.raises(PhotoTooSmall) as refusal:
        await check(pool, stored(tmp_path, encoded(noise(300, 400))))
    assert refusal.value.details == {"width": 300, "height": 400, "minimum": 512}
    with pytest.raises(PhotoBroken):
        await check(pool, stored(tmp_path, encoded(noise())[:-9000]))
    assert len(children()) == 1, "one process for all of them"


async def test_who_takes_too_long_is_ended_and_the_next_photo_is_judged(tmp_path: Path) -> None:
    pool, photo = DecoderPool(1, 3), stored(tmp_path, encoded(blocks(1)))
    hanging = await stopped_while_at_work(pool, photo, signal.SIGSTOP)
    before = children()
    with pytest.raises(DecodingTookTooLong):
        await hanging
    assert (await check(pool, photo))["format"] == "jpeg"
    assert len(children()) == 1
    assert children().isdisjoint(before)
    await pool.close()


async def test_one_that_dies_is_replaced(pool: DecoderPool, tmp_path: Path) -> None:
    photo = stored(tmp_path, encoded(blocks(1)))
    dying = await stopped_while_at_work(pool, photo, signal.SIGKILL)
    with pytest.raises(DecodingFailed):
        await dying
    assert (await check(pool, photo))["format"] == "jpeg"


async def test_who_is_cancelled_leaves_no_process_at_work(pool: DecoderPool, tmp_path: Path) -> None:
    photo = stored(tmp_path, encoded(blocks(1)))
    hanging = await stopped_while_at_work(pool, photo, signal.SIGSTOP)
    before = children()
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    await check(pool, photo)
    assert children().isdisjoint(before)


async def test_a_process_without_photos_ends(tmp_path: Path) -> None:
    pool = DecoderPool(2, PATIENCE, idle=0.05)
    await asyncio.gather(*[check(pool, stored(tmp_path, encoded(blocks(n)), f"{n}")) for n in range(2)])
    await until(lambda: not children())
    await pool.close()


async def test_it_is_told_no_secret(
    pool: DecoderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", "42:what-nobody-may-know")
    await check(pool, stored(tmp_path, encoded(blocks(1))))
    [pid] = children()
    assert b"what-nobody-may-know" not in Path(f"/proc/{pid}/environ").read_bytes()


async def test_what_cannot_be_written_is_the_systems_error(pool: DecoderPool, tmp_path: Path) -> None:
    photo, target = stored(tmp_path, encoded(blocks(1))), str(tmp_path / "nowhere" / "jpeg")
    with pytest.raises(FileNotFoundError):
        await pool.run("look", path=str(photo), target=target, edit={}, faces=[])


_OWNER = """
import asyncio, sys
from pathlib import Path
from tests.integration.test_decoders import DecoderPool, check

async def main():
    await check(DecoderPool(1, 60), Path(sys.argv[1]))
    print("checked", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_nothing_runs_on_for_an_owner_that_was_killed(tmp_path: Path) -> None:
    """Not even what stands still and reads nothing more."""
    owner = await asyncio.create_subprocess_exec(
        *[sys.executable, "-c", _OWNER, str(stored(tmp_path, encoded(blocks(1))))], stdout=PIPE, cwd=ROOT
    )
    assert owner.stdout is not None
    assert await owner.stdout.readline() == b"checked\n"
    [decoder] = children(owner.pid)
    os.kill(decoder, signal.SIGSTOP)
    owner.kill()
    await owner.communicate()
    await until(lambda: not _command(decoder))
