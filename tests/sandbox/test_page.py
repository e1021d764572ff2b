"""The page's server: who may use it, what its stream brings, and what never reaches a browser."""

import asyncio
import json
import re
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image
from sqlalchemy import Text, cast, func, select, text

from app.database.engine import Database
from app.database.models import AvatarState, Base, RequestState
from sandbox.environment import ROOT, Ports, Secrets, Wiring
from sandbox.page.events import Event, merged
from sandbox.page.hidden import HIDDEN
from sandbox.page.lines import Tail
from sandbox.page.rows import open_database, rows_of
from sandbox.telegram.pulse import Pulse
from tests import factories
from tests.databases import fresh_database
from tests.ports import free_port
from tests.sandbox.fal import harness as fal_harness
from tests.sandbox.telegram import harness as telegram_harness

STATIC = ROOT / "sandbox" / "page" / "static"
PATIENCE = 20  # seconds
people = count(7_000_000_001)


@dataclass(frozen=True)
class Server:
    """The process of the page, and those behind it."""

    url: str
    telegram: telegram_harness.Emulator
    fal: fal_harness.Emulator
    database_url: str
    logs: Path
    pid: int

    @property
    def megabytes(self) -> int:
        """What the page's process holds of the machine's memory (VmRSS, proc(5))."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) // 1024


@dataclass(frozen=True)
class PageHarness:
    """The page's server and what it stands on."""

    page: httpx.AsyncClient
    server: Server
    database: Database

    async def arrive(self, name: str = "Aisha") -> int:
        person = next(people)
        profile = {"first_name": name, "language_code": "en"}
        (await self.page.put(f"/telegram/user/{person}/profile", json=profile)).raise_for_status()
        return person

    async def submit(self, webhook_url: str) -> str:
        """A request at FAL's door, as the product makes it; its id."""
        trust = ssl.create_default_context(cafile=self.server.fal.ca_bundle)
        proxy = f"http://127.0.0.1:{self.server.fal.proxy_port}"
        async with httpx.AsyncClient(proxy=proxy, verify=trust, trust_env=False) as http:
            answer = await http.post(
                "https://queue.fal.run/fal-ai/flux-lora-fast-training",
                params={"fal_webhook": webhook_url},
                json={"images_data_url": "https://v3.fal.media/files/sandbox/none.zip"},
                headers={"Authorization": f"Key {fal_harness.KEY}"},
            )
        return str(answer.raise_for_status().json()["request_id"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, postgres: str, template: str) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("page")
    (folder / "logs").mkdir()
    port = free_port()
    with (
        fresh_database(postgres, template) as database_url,
        telegram_harness.running_emulator() as telegram,
        fal_harness.running_emulator(folder / "fal") as fal,
        (folder / "page.out").open("wb") as out,
    ):
        control, chats = (urlsplit(url).port or 0 for url in (fal.control_url, telegram.url))
        ports = Ports(fal=0, proxy=fal.proxy_port, control=control, telegram=chats, api=0, page=port)
        wiring = Wiring(folder, ports, Secrets.invent(), settings={}, extra={}, training_seconds=1)
        program = wiring.page(database_url, folder / "logs", folder / "pictures")
        process = subprocess.Popen(
            [sys.executable, "-m", program.module, *program.arguments],
            env=program.environment,
            stdout=out,
            stderr=out,
        )
        yield Server(f"http://127.0.0.1:{port}", telegram, fal, database_url, folder / "logs", process.pid)
        process.terminate()
        assert (process.wait(PATIENCE), (folder / "page.out").read_text()) == (0, "")


@pytest.fixture
async def harness(server: Server) -> AsyncIterator[PageHarness]:
    database = Database(server.database_url)
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=30) as page:
        await fal_harness.until(lambda: healthy(page))
        yield PageHarness(page, server, database)
    await database.close()


async def healthy(page: httpx.AsyncClient) -> bool:
    try:
        return (await page.get("/health")).is_success
    except httpx.TransportError:
        return False


class Stream:
    """The page's events, read as they come."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.raw: list[str] = []

    async def next(self, kind: str, fits: Callable[[Any], object] = lambda content: True) -> Any:
        """The next event of the kind that fits; TimeoutError after PATIENCE."""
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                self.raw.append(line)
                if line == f"event: {kind}":
                    data = await anext(self._lines)
                    self.raw.append(data)
                    content = json.loads(data.removeprefix("data: "))
                    if fits(content):
                        return content
        raise AssertionError(f"the stream ended without {kind}")


@asynccontextmanager
async def listening(harness: PageHarness, *persons: int) -> AsyncIterator[Stream]:
    async with harness.page.stream("GET", "/events", params={"person": list(persons)}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


async def test_only_the_page_itself_is_let_in(harness: PageHarness) -> None:
    own = str(harness.page.base_url)
    strangers = [
        {"Host": "evil.example"},
        {"Host": own.removeprefix("http://").replace("127.0.0.1", "localhost")},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    ]
    for headers in strangers:
        for path in ("/", "/events", "/samples"):
            assert (await harness.page.get(path, headers=headers)).status_code == 403, headers
    page = await harness.page.get("/", headers={"Origin": own, "Sec-Fetch-Site": "same-origin"})
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    followed_link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await harness.page.get("/", headers=followed_link)).status_code == 200


async def test_only_the_hands_of_a_person_and_of_fal_are_handed_on(harness: PageHarness) -> None:
    person = await harness.arrive()
    shut = [
        "/telegram/control/faults",
        f"/telegram/bot{telegram_harness.TOKEN}/getMe",
        f"/telegram/user/{person}/../../control/calls",
        "/fal/requests",
        "/fal/uploads",
    ]
    for path in shut:
        assert (await harness.page.get(path)).status_code == 404, path
    assert (await harness.page.get("/fal/pace")).json() == {"training_seconds": 0.2}
    said = await harness.page.post(f"/telegram/user/{person}/messages", json={"text": "hello"})
    assert said.json()["text"] == "hello"
    assert (
        await harness.page.post(f"/telegram/user/{person}/messages", json={"text": ""})
    ).status_code == 422


async def test_a_chat_comes_with_each_of_its_changes(harness: PageHarness) -> None:
    person, other = await harness.arrive(), await harness.arrive("Bota")
    async with listening(harness, person) as stream:
        known = await stream.next("people")
        assert {one["first_name"] for one in known} >= {"Aisha", "Bota"}
    async with listening(harness, person) as stream:
        assert (await stream.next("chat"))["messages"] == []
        await harness.page.post(f"/telegram/user/{other}/messages", json={"text": "not hers"})
        await harness.page.post(f"/telegram/user/{person}/messages", json={"text": "hers"})
        view = await stream.next("chat")
        assert (view["user_id"], [one["text"] for one in view["messages"]]) == (person, ["hers"])


async def test_a_row_comes_as_the_database_has_it(harness: PageHarness) -> None:
    person = await harness.arrive()
    async with harness.database.transaction() as session:
        user = await factories.make_user(session, person)
        stranger = await factories.make_user(session, next(people))
        avatar = await factories.make_avatar(session, user, state=AvatarState.TRAINING)
        await factories.make_avatar(session, stranger)
        training = await factories.make_training(session, avatar, RequestState.SUBMITTED)
    async with listening(harness, person) as stream:
        found = [await stream.next("row") for _ in range(2)]
        assert [one["first"] for one in found] == [True, True]
        assert {(one["table"], one["key"]) for one in found} == {
            ("avatars", str(avatar.id)),
            ("trainings", str(training.id)),
        }
        assert {one["table"]: one["row"] for one in found} == {
            "avatars": await stored(harness, "avatars", avatar.id),
            "trainings": await stored(harness, "trainings", training.id),
        }
        before = await stored(harness, "trainings", training.id)
        started = "UPDATE trainings SET state = 'RUNNING', started_at = now() WHERE id = :id"
        await execute(harness, started, id=training.id)
        change = await stream.next("row")
        assert (change["first"], change["before"]) == (False, before)
        assert change["row"] == await stored(harness, "trainings", training.id)
        await execute(harness, "DELETE FROM trainings WHERE id = :id", id=training.id)
        assert (await stream.next("row"))["row"] is None


async def stored(harness: PageHarness, table: Literal["avatars", "trainings"], key: object) -> Any:
    """The whole row, as Postgres has it."""
    model = Base.metadata.tables[table]
    row = select(cast(func.to_jsonb(text(table)), Text)).select_from(model).where(model.c.id == key)
    async with harness.database.transaction() as session:
        return json.loads((await session.execute(row)).scalar_one())


async def execute(harness: PageHarness, statement: str, **values: object) -> None:
    async with harness.database.transaction() as session:
        await session.execute(text(statement), values)


async def test_the_database_can_only_be_read(database_url: str) -> None:
    engine = open_database(database_url)
    async with engine.connect() as connection:
        assert await rows_of(connection, [1]) == {}
        with pytest.raises(Exception, match="read-only transaction"):
            await connection.execute(text("DELETE FROM users"))
    await engine.dispose()


async def test_a_callback_that_fits_nobody_is_everybodys(harness: PageHarness) -> None:
    async with harness.database.transaction() as session:
        user = await factories.make_user(session, next(people))
        avatar = await factories.make_avatar(session, user, state=AvatarState.TRAINING)
        training = await factories.make_training(session, avatar, RequestState.SUBMITTED)
        await factories.make_inbox_event(session, training)
        unmatched = await factories.make_inbox_event(session)
    async with listening(harness, await harness.arrive()) as stream:
        event = await stream.next("row")
        assert (event["table"], event["key"]) == ("inbox_events", str(unmatched.id))
        assert "body" not in event["row"]
    await execute(harness, "DELETE FROM inbox_events")


async def test_a_line_comes_once_it_is_whole(harness: PageHarness) -> None:
    log = harness.server.logs / "bot.log"
    early = '{"event": "early", "timestamp": "2026-01-01T00:00:00Z"}\n'
    log.write_text(early)
    async with listening(harness) as stream:
        assert (await stream.next("line")) == {
            "process": "bot",
            "event": "early",
            "timestamp": "2026-01-01T00:00:00Z",
            "offset": 0,
        }
        with log.open("a") as file:
            file.write('{"event": "la')
            file.flush()
            (harness.server.logs / "fal.log").write_text("Traceback: no JSON\n")
            told = await stream.next("line")
            assert told == {"process": "fal", "event": "Traceback: no JSON", "offset": 0}
            file.write('te", "correlation_id": "abc"}\n')
        late = await stream.next("line")
    assert (late["event"], late["correlation_id"], late["offset"]) == ("late", "abc", len(early))


async def test_of_a_long_log_whole_lines_come(tmp_path: Path) -> None:
    lines = [json.dumps({"event": f"{number} \N{LINE SEPARATOR} {'x' * 1000}"}) for number in range(200)]
    log = tmp_path / "bot.log"
    log.write_text("\n".join(lines) + "\n")
    told = Tail(tmp_path).new_lines()
    assert [line["event"] for line in told] == [json.loads(line)["event"] for line in lines[-len(told) :]]
    assert 30 < len(told) < 100


async def test_streams_that_were_left_hold_nothing(harness: PageHarness) -> None:
    """More chats are waited for in all than there are connections to Telegram."""
    speaker, *others = [await harness.arrive() for _ in range(4)]
    for _ in range(40):
        async with listening(harness, speaker, *others) as stream:
            for _ in (speaker, *others):
                await stream.next("chat")
            await harness.page.post(f"/telegram/user/{speaker}/messages", json={"text": "listen"})
            await stream.next("chat")
    async with listening(harness, *others) as stream:
        assert {(await stream.next("chat"))["user_id"] for _ in others} == set(others)


async def test_fals_queue_comes_and_is_steered(harness: PageHarness) -> None:
    async with listening(harness) as stream:
        plans = await stream.next("plans")
        assert "face_detection_error" in plans["error_types"]
        await harness.page.post("/fal/behaviour", json={"training_seconds": 3600})
        request_id = await harness.submit("http://127.0.0.1:9/hook")
        waiting = await stream.next("request", lambda one: one["request_id"] == request_id)
        assert waiting["position"] == 0
        await harness.page.post(f"/fal/requests/{request_id}/course", json={"at_once": True})
        await stream.next("request", lambda one: one["request_id"] == request_id and one["result"])


async def test_no_secret_reaches_the_browser(harness: PageHarness) -> None:
    secrets = ["kT0k-en_kT0k-en", "1234567890:AAbbCCddEEffGGhhIIjjKKll", f"{'a1' * 16}:{'b2' * 16}", "pa55"]
    address = f"http://127.0.0.1:9/hook?training=7&token={secrets[0]}&training_type=style"
    lines = [address, f"https://api.telegram.org/bot{secrets[1]}/getMe", f"Key {secrets[2]}"]
    lines.append(f"postgresql+asyncpg://me:{secrets[3]}@127.0.0.1/x")
    (harness.server.logs / "api.log").write_text(
        "".join(json.dumps({"event": line}) + "\n" for line in lines)
    )
    request_id = await harness.submit(address)
    async with listening(harness) as stream:
        for _ in lines:
            assert HIDDEN in (await stream.next("line"))["event"]
        request = await stream.next(
            "request", lambda one: one["request_id"] == request_id and one["callbacks"]
        )
        assert request["webhook_url"] == address.replace(secrets[0], HIDDEN)
    steered = await harness.page.post(f"/fal/requests/{request_id}/callback", json={"forged": True})
    seen = "".join(stream.raw) + steered.text
    assert [secret for secret in secrets if secret in seen] == []


async def test_what_a_person_sent_is_shown_small_and_never_run(harness: PageHarness) -> None:
    person = await harness.arrive()
    picture = BytesIO()
    Image.new("RGB", (1200, 900), "teal").save(picture, "JPEG")
    files = [
        ("file", ("photo.jpg", picture.getvalue(), "image/jpeg")),
        ("file", ("page.html", b"<script>alert(1)</script>", "text/html")),
        ("file", ("drawing.svg", b"<svg/>", "image/svg+xml")),
    ]
    sent = (await harness.page.post(f"/telegram/user/{person}/documents", files=files)).json()
    photo, *others = [one["attachment"]["url"] for one in sent]
    thumbnail = await harness.page.get(f"/thumbnails{photo}")
    assert max(Image.open(BytesIO(thumbnail.content)).size) == 320
    assert (await harness.page.get(f"/telegram{photo}")).content == picture.getvalue()
    for other in others:
        answer = await harness.page.get(f"/telegram{other}")
        assert answer.headers["content-disposition"] == "attachment"
        assert answer.headers["content-security-policy"].startswith("sandbox")
        assert (await harness.page.get(f"/thumbnails{other}")).status_code == 404


async def test_sample_pictures_are_painted_when_they_are_wanted(harness: PageHarness) -> None:
    assert (await harness.page.get("/samples/small.jpg")).headers["content-type"] == "image/jpeg"
    small = await harness.page.get("/samples/small.jpg", params={"thumbnail": "true"})
    assert max(Image.open(BytesIO(small.content)).size) == 320
    assert (await harness.page.get("/samples/..%2Fpage.out")).status_code == 404


async def test_the_page_is_whole_and_alone(harness: PageHarness) -> None:
    """Every file that is named is served from here, and nothing is fetched from anywhere else."""
    front = (await harness.page.get("/")).text
    modules = {file.name: file.read_text() for file in STATIC.glob("*.js")}
    imported = set(re.findall(r'(?:src|href)="([\w./]+)"', front))
    imported |= set(re.findall(r'from "\./([\w.]+)"', "".join(modules.values())))
    assert imported >= set(modules)
    for name in imported:
        assert (await harness.page.get(f"/{name}")).status_code == 200, name
    for file in STATIC.rglob("*.*"):
        outside = re.findall(r"https?://[\w.-]+", file.read_text())
        assert {one for one in outside if "www.w3.org" not in one} <= {"http://none"}, file


def test_the_page_has_its_words_in_three_languages() -> None:
    words = {file.stem: json.loads(file.read_text()) for file in (STATIC / "words").glob("*.json")}
    assert sorted(words) == ["en", "kk", "ru"]
    source = "".join(file.read_text() for file in [*STATIC.glob("*.js"), STATIC / "index.html"])
    used = set(re.findall(r'(?:say\(|data-word=|data-label=)"([\w-]+)"', source))
    assert len(used) > 40
    for language, known in words.items():
        assert set(known) == set(words["en"]), language
        assert used <= set(known), language
        assert all(known.values()), language
        assert {key: fields(one) for key, one in known.items()} == {
            key: fields(one) for key, one in words["en"].items()
        }, language


def fields(sentence: str) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", sentence))


async def test_painting_samples_leaves_no_memory_behind(harness: PageHarness) -> None:
    names = ["blurred.jpg", "moved.jpg", "dark.jpg", "strip.jpg"]
    pictures = [harness.page.get(f"/samples/{name}", params={"thumbnail": "true"}) for name in names]
    answers = await asyncio.gather(*pictures)
    assert [answer.status_code for answer in answers] == [200] * len(names)
    assert harness.server.megabytes < 180  # 110 of it are numpy's and Pillow's; kept blocks were 200 and more


async def test_a_browser_that_reads_slowly_makes_the_sources_wait() -> None:
    told = 0

    async def chatty() -> AsyncIterator[Event]:
        nonlocal told
        while True:
            told += 1
            yield Event("chat", told)
            await asyncio.sleep(0)

    async def greeting() -> Event:
        return Event("hello", None)

    stream = merged(greeting(), [chatty()], Pulse())
    heard = [await anext(stream) for _ in range(3)]
    for _ in range(1000):
        await asyncio.sleep(0)
    assert told < 100
    heard += [await anext(stream) for _ in range(200)]
    numbers = [json.loads(event.partition("data: ")[2]) for event in heard[1:]]
    assert numbers == list(range(1, 203))
    await stream.aclose()
