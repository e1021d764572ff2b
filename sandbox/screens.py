"""`python -m sandbox.screens [folder]`: each screen of the bot in each language, and the page, as pictures.

They lie in `<language>/` and `page/`, under the names of their words in `locales/`; README.md shows them all.
"""

import argparse
import asyncio
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from io import BytesIO
from itertools import count
from pathlib import Path

from fluent.runtime import FluentBundle, FluentResource
from PIL import Image
from playwright.async_api import Browser, Locator, ViewportSize
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from sandbox.browser import PROGRAM, Visitor, chromium
from sandbox.environment import ROOT
from sandbox.fal.models import Course, State
from sandbox.journey import Language
from sandbox.samples import SETS
from sandbox.supervisor import Sandbox
from sandbox.terminal import IMPATIENT, PICTURES

FOLDER = ROOT / "docs" / "screens"
LOCALES = ROOT / "app" / "core" / "locales"
FOREVER = 3600.0  # seconds: a training ends when it is told to
POLL = 0.2
COLOURS = 256
TALL = ViewportSize(width=1180, height=1500)
WIDE = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=390, height=800)
GAP = "\N{OBJECT REPLACEMENT CHARACTER}"
PEOPLE = count(9_000_000_001)
# All of them look into the camera: what is to be added is told.
PORTRAITS = [f"IMG_{4100 + number}.jpg" for number in (0, 1, 2, 4, 5, 7, 8, 9, 11, 12)]
STYLES = [sample.name for sample in SETS["styles"]]
SPOILED = ["blurred.jpg", "dark.jpg", "face-blurred.jpg", "copy-of-IMG_4100.jpg"]
TO_FIX = ["on-its-side.jpg", "screenshot.jpg", "two-people.jpg"]
PERSON = {Language.RUSSIAN: "Айша", Language.KAZAKH: "Айша", Language.ENGLISH: "Aisha"}
AVATAR = {
    Language.RUSSIAN: "Летний вечер",
    Language.KAZAKH: "Жазғы кеш",
    Language.ENGLISH: "Summer evening",
}
_SHOWN = "what => Promise.allSettled([...what.querySelectorAll('img')].map((image) => image.decode()))"
_TAG = re.compile(r"</?\w+>")
_VARIABLE = re.compile(r"\$(\w+)")
_BETWEEN = re.compile(rf"(?:{GAP}|NUMBER\(\)|\s)+")  # NUMBER() is what becomes of a gap that should be one
_A_DAY_AGO = text("""
UPDATE trainings SET submitted_at = submitted_at - interval '1 day', next_check_at = now()
WHERE user_id = :person AND finished_at IS NULL""")


class Photographer:
    """Takes pictures of what is shown to people, and numbers them in each folder."""

    def __init__(self, sandbox: Sandbox, browser: Browser, folder: Path) -> None:
        self.sandbox = sandbox
        self._browser = browser
        self._folder = folder

    async def visitor(self, language: Language, **context: object) -> Visitor:
        person = next(PEOPLE)
        name = PERSON[language]
        async with self.sandbox.user(person, first_name=name, language_code=language):
            pass
        options = {"viewport": TALL, "device_scale_factor": 1.5, "locale": "en-GB", **context}
        url = self.sandbox.page_url or ""
        return await Visitor.arrive(self._browser, url, person, language=language, **options)

    async def take(self, what: Locator, folder: str, name: str) -> None:
        await what.page.mouse.move(0, 0)
        await what.evaluate(_SHOWN)
        picture = Image.open(BytesIO(await what.screenshot(animations="disabled")))
        place = self._folder / folder
        place.mkdir(exist_ok=True)
        path = place / f"{len(list(place.iterdir())) + 1:02}-{name}.png"
        await asyncio.to_thread(_save, picture, path)
        print(path)


def _save(picture: Image.Image, path: Path) -> None:
    picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)


class Words:
    """What the product says in one language, to be looked for in what it shows."""

    def __init__(self, language: Language) -> None:
        texts = [path.read_text(encoding="utf-8") for path in (LOCALES / language.value).glob("*.ftl")]
        self._bundle = FluentBundle([language.value], use_isolating=False)
        for one in texts:
            self._bundle.add_resource(FluentResource(one))
        self._gaps: dict[str, str | int] = dict.fromkeys(_VARIABLE.findall("".join(texts)), GAP)

    def label(self, key: str, **arguments: str | int) -> str:
        """The words of a button."""
        return self._plain(key, arguments)

    def sign(self, key: str, **arguments: str | int) -> re.Pattern[str]:
        """A message of these words, with anything in the place of an argument that isn't given."""
        words = self._plain(key, self._gaps | arguments)
        return re.compile(r"[\s\S]*?".join(map(re.escape, _BETWEEN.split(words))))

    def _plain(self, key: str, arguments: dict[str, str | int]) -> str:
        pattern = self._bundle.get_message(key).value
        if pattern is None:
            raise KeyError(key)
        words, _problems = self._bundle.format_pattern(pattern, arguments)
        return _TAG.sub("", str(words)).strip()


class Album:
    """One person's chat, told and pictured in one language."""

    def __init__(self, camera: Photographer, visitor: Visitor, language: Language) -> None:
        self._camera = camera
        self._visitor = visitor
        self._language = language
        self._words = Words(language)
        self._avatar = AVATAR[language]

    async def fill(self) -> None:
        await self._creation()
        await self._photos()
        await self._training()
        await self._ready()
        await self._words_about()
        await self._end()

    async def _creation(self) -> None:
        await self._visitor.begin()
        await self._picture("welcome")
        await self._say("/avatars", "avatars-empty")
        await self._press("button-new-avatar")
        await self._picture("choose-type")
        await self._press("button-portrait")
        await self._picture("choose-gender")
        await self._press("button-female")
        await self._picture("ask-name", type="portrait")
        await self._visitor.say(self._avatar)
        await self._picture("avatar-collecting")
        await self._press("button-tips")
        await self._picture("photo-tips", type="portrait")

    async def _photos(self) -> None:
        await self._send([*PORTRAITS[:9], *SPOILED], as_files=True)
        await self._picture("uploads-refused")
        await self._send(PORTRAITS[9:10])
        await self._picture("set-shots")
        await self._send(TO_FIX, as_files=True)
        await self._picture("uploads-advised")
        await self._fixes()
        await self._press("button-delete-photos")
        await self._picture("photos-ask-delete")

    async def _fixes(self) -> None:
        """One after the other; what can be undone is done."""
        undo = self._visitor.button(self._words.label("button-restore-photo"))
        await self._press("button-fix-photo", count=len(TO_FIX))
        await self._picture("photo-turn")
        await self._press("button-turn-photo")
        await undo.wait_for()
        await self._picture("photo-page")
        await self._press("button-fix-next")
        await self._picture("photo-screenshot")
        await self._press("button-crop-photo")
        await undo.wait_for()
        await self._press("button-fix-next")
        await self._picture("photo-whose")
        await self._visitor.press("2")
        await undo.wait_for()
        await self._picture("photo-page")

    async def _training(self) -> None:
        await self._begin_training(pictured=True)
        await self._press("button-cancel-training")
        await self._picture("confirm-cancel")
        await self._press("button-cancel-confirm")
        await self._picture("training-cancelled")
        await self._begin_training()
        await self._at_fal(Course(at_once=True, outcome="error", error_type="downstream_service_unavailable"))
        await self._picture("training-failed")
        await self._press("button-open-avatar")
        await self._picture("avatar-failed")
        await self._begin_training()
        await self._let_a_day_pass()
        await self._picture("training-overdue")
        await self._at_fal(Course(at_once=True))
        await self._picture("training-completed")

    async def _ready(self) -> None:
        await self._press("button-open-avatar")
        await self._picture("avatar-completed")
        await self._press("button-rename")
        await self._picture("avatar-rename")
        await self._say("/avatars", "avatars-list")
        await self._visitor.press(self._avatar)
        await self._press("button-open-photos")
        await self._picture("photos-open")
        await self._press("button-delete")
        await self._picture("avatar-ask-delete")

    async def _words_about(self) -> None:
        await self._say("/help", "help")
        await self._say("/language", "language")
        await self._say("/privacy", "privacy")
        await self._say("/support", "support-nobody")
        await self._say("?", "not-understood")
        await self._say("/cancel", "cancelled")
        commands = self._visitor.chat.locator(".commands")
        await commands.locator("summary").click()
        await self._camera.take(commands.locator(".popover"), self._language, "commands")
        await self._visitor.page.keyboard.press("Escape")

    async def _end(self) -> None:
        await self._say("/delete_me", "ask-delete-me")
        await self._press("button-delete-for-ever")
        await self._picture("farewell")
        await self._visitor.leave()

    async def _begin_training(self, *, pictured: bool = False) -> None:
        await self._visitor.say("/avatars")
        await self._visitor.press(self._avatar)
        await self._press("button-train")
        if pictured:
            await self._picture("confirm-training")
        await self._press("button-confirm")
        await self._open_request()
        if pictured:
            await self._visitor.say("/status")
            await self._picture("avatar-training", state="SUBMITTED")

    async def _open_request(self) -> str:
        """FAL's only one, once there is one."""
        while True:
            for one in await self._camera.sandbox.fal.requests():
                if one.state in (State.IN_QUEUE, State.IN_PROGRESS):
                    return one.request_id
            await asyncio.sleep(POLL)

    async def _at_fal(self, course: Course) -> None:
        await self._camera.sandbox.fal.steer(await self._open_request(), course)

    async def _let_a_day_pass(self) -> None:
        """For the training alone: nobody waits a day for a picture."""
        engine = create_async_engine(self._camera.sandbox.database_url)
        async with engine.begin() as connection:
            await connection.execute(_A_DAY_AGO, {"person": self._visitor.person})
        await engine.dispose()

    async def _press(self, key: str, **arguments: str | int) -> None:
        await self._visitor.press(self._words.label(key, **arguments))

    async def _send(self, names: list[str], *, as_files: bool = False) -> None:
        await self._visitor.choose_samples(names, as_files=as_files)
        await self._visitor.send()

    async def _say(self, words: str, key: str) -> None:
        await self._visitor.say(words)
        await self._picture(key)

    async def _picture(self, key: str, **arguments: str | int) -> None:
        """The newest message of the bot with these words, its buttons included."""
        message = await self._visitor.hears(self._words.sign(key, **arguments))
        await self._camera.take(message, self._language, key)


async def page(camera: Photographer, scheme: str) -> None:
    """The page itself while a training goes on, wide and on a phone."""
    one = await camera.visitor(Language.ENGLISH, viewport=WIDE, device_scale_factor=1, color_scheme=scheme)
    await one.begin()
    for label in ("Create an avatar", "Style"):
        await one.press(label)
    await one.hears("Step 2 of 2")
    await one.say("Film")
    await one.hears("10 more photos")
    await one.choose_samples(STYLES[:10])
    await one.send()
    await one.hears("10 photos accepted")
    await one.press("Start training")
    await one.press("Yes, start")
    finish = (await one.open("fal")).get_by_role("button", name="Finish now").first
    await finish.wait_for()
    await camera.take(one.page.locator("body"), "page", f"{scheme}-fal")
    await finish.click()
    await one.hears("is ready!")
    for tab in ("rows", "log"):
        await (await one.open(tab)).get_by_text("COMPLETED").first.wait_for()
        await camera.take(one.page.locator("body"), "page", f"{scheme}-{tab}")
    await one.page.set_viewport_size(PHONE)
    await one.page.wait_for_timeout(300)
    await camera.take(one.page.locator("body"), "page", f"{scheme}-phone")
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
        for language in Language:
            await Album(camera, await camera.visitor(language), language).fill()
        for scheme in ("light", "dark"):
            await page(camera, scheme)


def gallery(folder: Path) -> str:
    """All pictures of the folder, a language a column."""
    names = [path.name for path in sorted((folder / Language.ENGLISH).glob("*.png"))]
    rows = [" | ".join(f"![{name[3:-4]}]({language}/{name})" for language in Language) for name in names]
    pages = [f"![{path.stem[3:]}](page/{path.name})" for path in sorted((folder / "page").glob("*.png"))]
    table = [" | ".join(Language), " | ".join("---" for _ in Language), *rows]
    return "\n\n".join(
        [
            "# Every screen",
            "Written by `.venv/bin/python -m sandbox.screens`; a name is that of the words in `locales`.",
            "\n".join(f"| {row} |" for row in table),
            "## The sandbox's page",
            *pages,
            "",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.screens", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER, help="[docs/screens]")
    folder = parser.parse_args().folder
    program = shutil.which(PROGRAM)
    if program is None:
        print(f"{PROGRAM} isn't installed: apt-get install {PROGRAM}", file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*/*.png"):
        old.unlink()
    asyncio.run(take_all(folder, program))
    (folder / "README.md").write_text(gallery(folder), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
