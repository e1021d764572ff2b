"""`python -m sandbox.screens [folder]`: a picture of every screen of the bot, and of the page."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from io import BytesIO
from itertools import count
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Locator, ViewportSize

from sandbox.browser import PROGRAM, Visitor, chromium
from sandbox.environment import ROOT
from sandbox.samples import SETS
from sandbox.stage import IMPATIENT, PICTURES
from sandbox.supervisor import Sandbox

FOLDER = ROOT / "docs" / "screens"
FOREVER = 3600.0  # seconds: a training ends when it is told to
COLOURS = 256
TALL = ViewportSize(width=1180, height=1500)
WIDE = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=390, height=800)
LANGUAGE = "en"
PEOPLE = count(9_000_000_001)
PORTRAITS = [sample.name for sample in SETS["portraits"]]
STYLES = [sample.name for sample in SETS["styles"]]


class Photographer:
    """Numbers the pictures in the order they are taken."""

    def __init__(self, sandbox: Sandbox, browser: Browser, folder: Path) -> None:
        self._sandbox = sandbox
        self._browser = browser
        self._folder = folder
        self._number = count(1)

    async def visitor(self, name: str, **context: object) -> Visitor:
        person = next(PEOPLE)
        async with self._sandbox.user(person, first_name=name, language_code=LANGUAGE):
            pass
        options = {"viewport": TALL, "device_scale_factor": 1.5, "locale": "en-GB", **context}
        url = self._sandbox.page_url or ""
        return await Visitor.arrive(self._browser, url, person, language=LANGUAGE, **options)

    async def take(self, what: Locator, name: str) -> None:
        await what.page.mouse.move(0, 0)
        picture = Image.open(BytesIO(await what.screenshot(animations="disabled")))
        path = self._folder / f"{next(self._number):02}-{name}.png"
        await asyncio.to_thread(_save, picture, path)
        print(path)

    async def message(self, visitor: Visitor, words: str, name: str) -> None:
        """The newest message of the bot with these words, its buttons included."""
        await self.take(await visitor.hears(words), name)


def _save(picture: Image.Image, path: Path) -> None:
    picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)


async def creation(camera: Photographer, one: Visitor) -> None:
    await one.begin()
    await camera.message(one, "I make avatars", "start")
    await one.press("Create an avatar")
    await camera.message(one, "Step 1 of 3", "type")
    await one.press("Portrait")
    await camera.message(one, "Step 2 of 3", "gender")
    await one.press("Female")
    await camera.message(one, "Step 3 of 3", "name")
    await one.say("Summer evening")
    await camera.message(one, "10 more photos", "asks-for-photos")
    await one.press("Which photos work")
    await camera.message(one, "group photos", "tips")


async def photos(camera: Photographer, one: Visitor) -> None:
    await one.say("/avatars")
    await one.press("Summer evening")
    spoiled = ["blurred.jpg", "dark.jpg", "copy-of-IMG_4100.jpg"]
    await one.choose_samples([*PORTRAITS[:9], *spoiled], as_files=True)
    await one.send()
    await camera.message(one, "Not suitable", "photos-judged")
    await one.choose_samples(PORTRAITS[9:10])
    await one.send()
    await camera.message(one, "1 photo accepted", "ready-to-train")
    await one.press("Photos")
    await camera.message(one, "photo 1 of 10", "gallery")


async def training(camera: Photographer, one: Visitor) -> None:
    await one.say("/avatars")
    await one.press("Summer evening")
    await one.press("Start training")
    await camera.message(one, "Yes, start", "confirm-training")
    await one.press("Yes, start")
    await camera.message(one, "Preparing", "training-begun")
    finish = (await one.open("fal")).locator(".card").first.get_by_role("button", name="Finish now")
    await finish.wait_for()
    await one.press("Cancel the training")
    await camera.message(one, "Yes, cancel", "ask-cancel")
    await one.press("No, let it train")
    await one.at_fal("Fail with")
    await camera.message(one, "The reason", "failed")
    await one.press("Open the avatar")
    await one.press("Start training")
    await one.press("Yes, start")
    await finish.wait_for()
    await camera.take(one.page.locator("#fal .card").first, "fal-request")
    await finish.click()
    await camera.message(one, "is ready!", "ready")


async def afterwards(camera: Photographer, one: Visitor) -> None:
    await one.press("Open the avatar")
    await camera.message(one, "In its set", "avatar")
    await one.press("Name")
    await camera.message(one, "What shall we call it?", "rename")
    await one.say("/avatars")
    await camera.message(one, "Your avatars", "avatars")
    await one.press("Summer evening")
    await one.press("Delete")
    await camera.message(one, "It can't be brought back", "ask-delete")


async def words(camera: Photographer, one: Visitor) -> None:
    for command, heard in {
        "status": "Summer evening",
        "language": "Which language",
        "help": "How it works",
        "privacy": "Nobody else gets anything",
        "support": "owner of this bot",
        "delete_me": "known of you",
    }.items():
        await one.say(f"/{command}")
        await camera.message(one, heard, command)
    await one.chat.locator(".commands summary").click()
    await camera.take(one.chat.locator(".commands .popover"), "commands")


async def page(camera: Photographer, scheme: str) -> None:
    """The page itself while a training goes on, wide and on a phone."""
    one = await camera.visitor("Bota", viewport=WIDE, device_scale_factor=1, color_scheme=scheme)
    await one.begin()
    for label in ("Create an avatar", "Style", "Female"):
        await one.press(label)
    await one.hears("Step 3 of 3")
    await one.say("Film")
    await one.hears("10 more photos")
    await one.choose_samples(STYLES[:10])
    await one.send()
    await one.hears("10 photos accepted")
    await one.press("Start training")
    await one.press("Yes, start")
    await (await one.open("fal")).get_by_role("button", name="Finish now").first.wait_for()
    await camera.take(one.page.locator("body"), f"page-{scheme}-fal")
    await one.at_fal("Finish now")
    await one.hears("is ready!")
    for tab in ("rows", "log"):
        await (await one.open(tab)).get_by_text("COMPLETED").first.wait_for()
        await camera.take(one.page.locator("body"), f"page-{scheme}-{tab}")
    await one.page.set_viewport_size(PHONE)
    await one.page.wait_for_timeout(300)
    await camera.take(one.page.locator("body"), f"page-{scheme}-phone")
    await one.leave()


@contextmanager
def _passable_folder() -> Iterator[Path]:
    """A Postgres that root starts belongs to another user, who has to get there."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def take_all(folder: Path, program: str) -> None:
    async with AsyncExitStack() as stack:
        data = stack.enter_context(_passable_folder())
        product = {"bot": IMPATIENT, "api": IMPATIENT}
        sandbox = await stack.enter_async_context(
            Sandbox(data, extra_env=product, training_seconds=FOREVER, pictures=PICTURES)
        )
        camera = Photographer(sandbox, await stack.enter_async_context(chromium(program)), folder)
        one = await camera.visitor("Aisha")
        for chapter in (creation, photos, training, afterwards, words):
            await chapter(camera, one)
        for scheme in ("light", "dark"):
            await page(camera, scheme)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.screens", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER, help="[docs/screens]")
    folder = parser.parse_args().folder
    program = shutil.which(PROGRAM)
    if program is None:
        print(f"{PROGRAM} isn't installed: apt-get install {PROGRAM}", file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    asyncio.run(take_all(folder, program))
    return 0


if __name__ == "__main__":
    sys.exit(main())
