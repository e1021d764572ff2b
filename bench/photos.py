"""Photos of phones: checked in two processes, and made into an archive that is uploaded."""

import asyncio
import math
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from hashlib import file_digest
from pathlib import Path

import httpx

from app.core.settings import PhotoSettings
from app.photos.checks import decode, open_photo, orientation
from app.photos.decoders import DecoderPool
from app.photos.features import PhotoLimits
from app.photos.measuring import measure
from bench.environment import HOST, ROOT, free_port
from bench.heaviest import KINDS, paint
from bench.report import Spread, Target, console, show

_NUMBER = 20
_AT_ONCE = 2
_LIGHT, _HEAVY = 88, 100  # JPEG qualities at which the painted photographs weigh 2.5 and 8 MB


async def photos(repetitions: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        light = await painted(folder / "light", _NUMBER, _LIGHT)
        heavy = await painted(folder / "heavy", _NUMBER, _HEAVY)
        await _checking(light, repetitions)
        await _with_faces(light, repetitions)
        async with _fal(folder / "fal") as environment:
            added = [await _archived(heavy, environment) for _ in range(min(repetitions, 3))]
        show(
            f"An archive of {_NUMBER} photos of {_megabytes(heavy):.1f} MB, built and uploaded",
            [Target("at most added to the process", Spread(added), "MB", most=60)],
        )
    figures = [target for kind in KINDS for target in await _heaviest(kind, repetitions)]
    show("One photo of each kind, nearly as heavy as is taken, checked: time and memory added", figures)


async def _heaviest(kind: str, repetitions: int) -> tuple[Target, Target]:
    with tempfile.TemporaryDirectory() as folder:
        small, large = await asyncio.to_thread(paint, kind, Path(folder))
        megapixels, weight = math.prod(KINDS[kind][0]) / 1e6, large.stat().st_size / 1e6
        checked = [
            await _run("bench.heaviest", str(small), str(large), environment={}) for _ in range(repetitions)
        ]
    seconds, memory = zip(*[map(float, figures.split()) for figures in checked], strict=True)
    return (
        Target(f"{kind}: {megapixels:.1f} megapixels, {weight:.1f} MB", Spread(seconds), "s", most=2),
        Target("", Spread(memory), "MB", most=300),
    )


async def _checking(paths: Sequence[Path], repetitions: int) -> None:
    """Ours with the processes that the bot has, once they have started; the other on threads of this one."""
    ours, full = [], []
    pool = DecoderPool(_AT_ONCE, seconds=60)
    await _checked(pool, paths)
    for _ in range(repetitions):
        ours.append(await _checked(pool, paths))
        full.append(await asyncio.to_thread(_seconds, _check_in_full, paths))
    await pool.close()
    ratios = [slow / quick for slow, quick in zip(full, ours, strict=True)]
    show(
        f"{_NUMBER} photos of 12 megapixels and {_megabytes(paths):.1f} MB, checked in {_AT_ONCE} processes",
        [
            Target("ours", Spread(ours), "s", most=0.6),
            Target("full decoding and the same statistics", Spread(full), "s"),
            Target("full decoding / ours", Spread(ratios), least=2),
        ],
    )


async def _with_faces(paths: Sequence[Path], repetitions: int) -> None:
    """In fresh processes, half of the photos in each, until both are done."""
    ours, cascade = [], []
    for _ in range(repetitions):
        ours.append(await _checked_afresh("ours", paths))
        cascade.append(await _checked_afresh("cascade", paths))
    show(
        f"The same with faces, in {_AT_ONCE} processes",
        [
            Target("ours", Spread([seconds for seconds, _ in ours]), "s"),
            Target("Haar cascade", Spread([seconds for seconds, _ in cascade]), "s"),
            Target(
                "ours / Haar cascade",
                Spread([one / other for (one, _), (other, _) in zip(ours, cascade, strict=True)]),
                most=0.6,
            ),
            Target("ours, added to a process", Spread([added for _, added in ours]), "MB"),
            Target("Haar cascade, added to a process", Spread([added for _, added in cascade]), "MB"),
        ],
    )


async def _checked_afresh(kind: str, paths: Sequence[Path]) -> tuple[float, float]:
    """Seconds of the slower process, and MB of the larger one."""
    halves = [paths[start::_AT_ONCE] for start in range(_AT_ONCE)]
    threads = {"OPENBLAS_NUM_THREADS": "1"}
    said = await asyncio.gather(
        *[_run("bench.checking", kind, *map(str, half), environment=threads) for half in halves]
    )
    seconds, added = zip(*[map(float, line.split()) for line in said], strict=True)
    return max(seconds), max(added)


async def _checked(pool: DecoderPool, paths: Sequence[Path]) -> float:
    settings = PhotoSettings().model_dump(mode="json")
    began = time.perf_counter()
    checks = [pool.run("check", path=str(path), portrait=False, settings=settings) for path in paths]
    await asyncio.gather(*checks)
    return time.perf_counter() - began


def _check_in_full(path: Path) -> object:
    with open_photo(path, PhotoLimits()) as image:
        decode(image)
        traits = measure(image, image.size, orientation(image), look_for_faces=False)
    with path.open("rb") as file:
        return traits, file_digest(file, "sha256").digest()


def _seconds(check: Callable[[Path], object], paths: Sequence[Path]) -> float:
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        began = time.perf_counter()
        list(threads.map(check, paths))
        return time.perf_counter() - began


def _megabytes(paths: Sequence[Path]) -> float:
    return sum(path.stat().st_size for path in paths) / len(paths) / 1e6


async def painted(folder: Path, number: int, quality: int) -> list[Path]:
    """Photographs of 12 megapixels, made in a process of their own."""
    console.print(f"painting {number} photographs of quality {quality}", style="dim")
    options = ["--number", str(number), "--quality", str(quality)]
    await _run("sandbox.photographs", str(folder), *options, environment={})
    return [folder / f"{each:02}.jpg" for each in range(number)]


async def _archived(paths: Sequence[Path], environment: dict[str, str]) -> float:
    """Megabytes that a fresh process took more at its peak than before."""
    return float(await _run("bench.archiving", *map(str, paths), environment=environment))


async def _run(*module: str, environment: dict[str, str]) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *module,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{module[0]} ended with {process.returncode}")
    return said


@asynccontextmanager
async def _fal(folder: Path) -> AsyncIterator[dict[str, str]]:
    """FAL's emulator; what leads a process to it."""
    port, proxy_port, control_port = (free_port() for _ in range(3))
    ports = {"--port": port, "--proxy-port": proxy_port, "--control-port": control_port}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.fal", "--data-dir", str(folder)),
        *(str(word) for pair in ports.items() for word in pair),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
    )
    try:
        await _healthy(f"http://{HOST}:{control_port}/health")
        yield {"HTTPS_PROXY": f"http://{HOST}:{proxy_port}", "SSL_CERT_FILE": str(folder / "ca.pem")}
    finally:
        process.terminate()
        await process.wait()


async def _healthy(url: str) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as http:
        while True:
            try:
                (await http.get(url)).raise_for_status()
            except httpx.HTTPError:
                await asyncio.sleep(0.05)
            else:
                return
