"""`python -m bench.archiving photo ...`: what building and uploading their archive takes at most, in MB.

As the submit job does it, but with the decoder in the same process, so that all is counted; FAL is where the
environment leads. What the process needs before (imports) isn't counted.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from app.core.memory import give_back_large_blocks
from app.fal.client import Fal
from app.photos.archive import build_archive
from app.photos.decoders import result_of
from app.photos.decoding import answer
from app.photos.features import Edit
from app.photos.storage import FolderStorage

_PROCESS = Path("/proc/self")
_FORGET_THE_PEAK = "5"  # proc(5), clear_refs


class InThisProcess:
    busy = False

    async def run(self, task: str, **arguments: Any) -> Any:
        return result_of(await asyncio.to_thread(answer, task, arguments))


async def upload(fal: Fal, photos: Sequence[Path]) -> None:
    storage = FolderStorage(photos[0].parent)
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "photos.zip")
        await build_archive(storage, [(photo.name, Edit()) for photo in photos], archive, InThisProcess())
        await fal.upload(archive)


def memory(field: str) -> float:
    """In MB: VmRSS is what the process has, VmHWM the most it had."""
    lines = (_PROCESS / "status").read_text().splitlines()
    [value] = [line.split()[1] for line in lines if line.startswith(f"{field}:")]
    return int(value) / 1024


def forget_the_peak() -> None:
    (_PROCESS / "clear_refs").write_text(_FORGET_THE_PEAK)


async def main(photos: Sequence[Path]) -> None:
    async with httpx.AsyncClient() as http:
        fal = Fal(SecretStr("bench-key"), http)
        forget_the_peak()
        before = memory("VmRSS")
        await upload(fal, photos)
        print(memory("VmHWM") - before)


if __name__ == "__main__":
    give_back_large_blocks()
    asyncio.run(main([Path(name) for name in sys.argv[1:]]))
