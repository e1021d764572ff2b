"""Somebody at the page, in Debian's Chromium: what they click, drop, type and see."""

import base64
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, async_playwright

PROGRAM = "chromium"
PATIENCE = 30_000  # milliseconds
_ARGUMENTS = [
    "--no-sandbox",  # root may run it, and it sees nothing but the page
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_DROP = """(zone, files) => {
  const carried = new DataTransfer();
  const bytes = (content) => Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
  for (const {name, mime, content} of files)
    carried.items.add(new File([bytes(content)], name, {type: mime}));
  const event = (kind) => new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: carried});
  zone.dispatchEvent(event("dragenter"));
  zone.dispatchEvent(event("dragover"));
  zone.dispatchEvent(event("drop"));
}"""
Tab = Literal["fal", "rows", "log"]


@asynccontextmanager
async def chromium(program: str) -> AsyncIterator[Browser]:
    """`program` is where it lies. Its profile is a temporary one."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


class Visitor:
    """One person of the sandbox at the page; what goes wrong in the page is kept in `troubles`."""

    def __init__(self, page: Page, person: int) -> None:
        self.page = page
        self.person = person
        self.chat = page.locator(f"#chat-{person}")
        self.troubles: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", self._hear)

    @classmethod
    async def arrive(
        cls, browser: Browser, url: str, person: int, *, language: str, **context: Any
    ) -> "Visitor":
        """The person must be known to the emulator; `context` are options of a browser's context."""
        page = await (await browser.new_context(**context)).new_page()
        kept = {"people": [person], "language": language}
        lines = [f"localStorage.{name} ??= {json.dumps(json.dumps(value))};" for name, value in kept.items()]
        await page.add_init_script("\n".join(lines))
        visitor = cls(page, person)
        await page.goto(url)
        return visitor

    def _hear(self, line: ConsoleMessage) -> None:
        if line.type == "error":
            self.troubles.append(line.text)

    async def leave(self) -> None:
        await self.page.context.close()

    async def begin(self) -> None:
        """The big button of a chat that nothing was said in."""
        await self.chat.locator(".instead").click()

    async def say(self, text: str) -> None:
        await self.chat.locator("textarea").fill(text)
        await self.chat.locator("textarea").press("Enter")

    async def press(self, label: str) -> None:
        """The newest button that says so, once there is one."""
        await self.button(label).click()

    def button(self, label: str) -> Locator:
        whole = re.compile(rf"(^|\W){re.escape(label)}$")  # a picture may stand before the words
        return self.chat.locator(".key", has_text=whole).last

    async def hears(self, text: str | re.Pattern[str]) -> Locator:
        """The newest message of the bot with these words, once there is one."""
        message = self.chat.locator(".message.bot", has_text=text).last
        await message.wait_for()
        return message

    async def choose_samples(self, names: Sequence[str], *, as_files: bool = False) -> None:
        await self.chat.locator(".clip summary").click()
        await self.chat.locator(".clip .popover > button").first.click()
        dialog = self.page.locator("#samples")
        for name in names:
            await dialog.locator(f"label[title='{name}'] input").check()
        await dialog.locator("footer button").nth(int(as_files)).click()

    async def drop(self, files: Sequence[Path], *, as_files: bool = False) -> None:
        """Onto the chat, from the desktop."""
        carried = [
            {"name": file.name, "mime": "image/jpeg", "content": base64.b64encode(file.read_bytes()).decode()}
            for file in files
        ]
        zone = self.chat.locator(".veil > div").nth(int(as_files))
        await zone.evaluate(_DROP, carried)

    async def send(self) -> None:
        """What was chosen or dropped, and until it is on its way."""
        await self.chat.locator(".send").click()
        await self.chat.locator(".tray").wait_for(state="hidden")

    async def open(self, tab: Tab) -> Locator:
        await self.page.locator(f"#tab-{tab}").click()
        return self.page.locator(f"#{tab}")

    async def at_fal(self, what: str) -> None:
        """A button of the newest request."""
        await (await self.open("fal")).locator(".card").first.get_by_role("button", name=what).click()
