"""The whole product by clicking: what a person does and sees, and what the page shows of the rows."""

import re

from playwright.async_api import expect

from app.core.pseudonyms import Pseudonyms
from tests.browser.chat_user import Guest, files

FILMS = [f"film-{number:02}.jpg" for number in range(1, 11)]
PORTRAITS = [f"IMG_{4100 + number}.jpg" for number in range(10)]


async def test_a_portrait_from_start_to_ready(guest: Guest) -> None:
    await guest.name_avatar("Portrait", "Summer <b>evening</b>")
    avatar = (await guest.sees_the_truth())["avatars"]
    assert [row["name"] for row in avatar.values()] == ["Summer <b>evening</b>"]
    await guest.choose_samples(PORTRAITS)
    await guest.send()
    await expect(guest.chat.locator(".message.user .photo")).to_have_count(10)
    await guest.hears("10 photos accepted")
    assert not (await guest.sees_the_truth())["uploads"]
    await guest.start_training()
    assert len((await guest.sees_the_truth())["trainings"]) == 1
    card = guest.page.locator("#fal .card").first
    await expect(card.locator(".state")).to_have_text(re.compile("IN_QUEUE|IN_PROGRESS"))
    await card.locator(".arguments summary").click()
    assert "token=[hidden]" in (await card.locator(".arguments").inner_text()).replace("\n", "")
    await guest.at_fal("Finish now")
    ready = await guest.hears("is ready!")
    assert "Summer <b>evening</b>" in await ready.inner_text()
    await card.locator(".archive summary").click()
    await expect(card.locator(".archive tbody tr")).to_have_count(10)
    await expect(card.locator(".callbacks")).to_contain_text("200")
    await guest.is_told()
    rows = await guest.sees_the_truth()
    assert [row["outcome"] for row in rows["inbox_events"].values()] == ["completed"]
    assert [row["state"] for row in rows["notifications"].values()] == ["SENT"]
    assert rows["trainings"].keys() == {row["training_id"] for row in rows["notifications"].values()}


async def test_a_style_from_an_album_that_was_dropped(guest: Guest) -> None:
    await guest.name_avatar("Style", "Film")
    await guest.drop(files(guest.house, "film-*.jpg", 10), as_files=True)
    await expect(guest.chat.locator(".tray li")).to_have_count(10)
    await guest.send()
    album = guest.chat.locator(".message.user").last
    await expect(album.locator(".file")).to_have_count(10)
    await expect(album).to_contain_text("film-01.jpg")
    await guest.hears("10 photos accepted")
    await guest.start_training()
    card = guest.page.locator("#fal .card").first
    await card.locator(".arguments summary").click()
    await expect(card.locator(".arguments")).to_contain_text("is_style")
    await guest.at_fal("Finish now")
    await guest.hears("is ready!")
    rows = await guest.sees_the_truth()
    assert [row["state"] for row in rows["avatars"].values()] == ["COMPLETED"]


async def test_a_lost_callback_is_found_by_asking(guest: Guest) -> None:
    await guest.begin_training("Lost")
    await guest.at_fal("Lose the callback")
    await expect(guest.page.locator("#fal .card").first.locator(".unusual")).to_have_text("Callback: lost")
    await guest.at_fal("Finish now")
    await expect(guest.page.locator("#fal .card").first.locator(".state")).to_have_text("COMPLETED")
    await guest.have_fal_asked()
    await guest.hears("is ready!")
    rows = await guest.sees_the_truth()
    assert rows["inbox_events"] == {}
    assert [row["state"] for row in rows["trainings"].values()] == ["COMPLETED"]
    await guest.at_fal("Once more")
    await expect(guest.page.locator("#curtain .toast").last).to_contain_text("200")
    assert len((await guest.sees_the_truth())["inbox_events"]) == 1


async def test_a_failure_is_told_and_trying_again_works(guest: Guest) -> None:
    await guest.begin_training("Twice")
    await guest.at_fal("Forge it")
    await expect(guest.page.locator("#curtain .toast").last).to_contain_text("401")
    await guest.page.reload()
    await guest.page.locator("#fal .card").first.locator("select").select_option("internal_server_error")
    await guest.at_fal("Fail with")
    again = guest.page.locator("#fal .card").first
    await expect(again.locator(".state")).to_have_text("FAILED")
    await guest.press("Try again")
    await again.get_by_role("button", name="Finish now").wait_for()
    await guest.at_fal("5 times")
    await expect(again.locator(".unusual")).to_have_text("Callback: ×5")
    await guest.at_fal("Finish now")
    await guest.hears("is ready!")
    await expect(again.locator(".callbacks li")).to_have_count(5)
    rows = await guest.sees_the_truth()
    assert sorted(row["state"] for row in rows["trainings"].values()) == ["COMPLETED", "FAILED"]
    assert len(rows["inbox_events"]) == 2
    await follow(guest)


async def follow(guest: Guest) -> None:
    """From the message's row back to the tap: the log shows one training, and its message is marked."""
    log = await guest.open("log")
    person = Pseudonyms(guest.house.telegram_token).of(guest.person)
    told = log.locator("li", has_text="notification.sent").filter(has_text=f"user_id={person}")
    await expect(told).to_have_count(2)
    await told.last.locator(".chip").click()
    seen = log.locator("li:visible")
    await expect(seen.filter(has_text="training.starting")).to_have_count(1)
    await expect(seen.filter(has_text="webhook.received").first).to_be_visible()
    await expect(guest.chat.locator(".message.followed")).to_have_count(1)
    await expect(guest.chat.locator(".message.followed")).to_contain_text("is ready!")


async def test_the_bot_and_the_page_change_their_language(guest: Guest) -> None:
    await guest.begin()
    await guest.hears("Hello, Aisha!")
    await guest.say("/language")
    await guest.press("Қазақша")
    await guest.chat.locator(".commands summary").click()
    menu = guest.chat.locator(".commands .popover")
    await expect(menu).to_contain_text("Аватар жасау")
    await menu.get_by_role("menuitem", name="/new").click()
    await guest.hears("Портрет")
    await guest.page.locator("#language").select_option("kk")
    await expect(guest.page.locator("#tab-rows")).to_have_text("Дерекқор жолдары")
    await expect(guest.page.locator("html")).to_have_attribute("lang", "kk")
    await expect(guest.chat.locator(".message").first).to_be_visible()


async def test_what_comes_unseen_is_counted_and_a_blocked_bot_is_silent(guest: Guest) -> None:
    await guest.begin()
    for command in ("/help", "/privacy", "/help"):
        await guest.say(command)
    await expect(guest.chat.locator(".message.bot")).to_have_count(4)
    await expect(guest.page).to_have_title(re.compile("^Aisha"))
    await guest.chat.locator(".messages").evaluate("list => { list.scrollTop = 0; }")
    async with guest.house.user(guest.person, first_name="Aisha", language_code="en") as elsewhere:
        await elsewhere.send("/privacy")
    await expect(guest.chat.locator(".jump")).to_have_text("1")
    await expect(guest.page).to_have_title(re.compile(r"^\(1\)"))
    await guest.chat.locator(".jump").click()
    await expect(guest.page).to_have_title(re.compile("^Aisha"))
    await guest.chat.locator("header .menu summary").click()
    await guest.chat.get_by_role("button", name="Block the bot").click()
    await expect(guest.chat.locator("textarea")).to_be_hidden()
    await guest.chat.get_by_role("button", name="Unblock").click()
    await guest.say("/start")
    await guest.hears("Hello")


async def test_nothing_is_sent_twice_and_nothing_is_lost(guest: Guest) -> None:
    await guest.name_avatar("Style", "Once")
    await guest.choose_samples(FILMS)
    write = guest.chat.locator("textarea")
    await write.press("Enter")
    await write.press("Enter")
    await guest.hears("10 photos accepted")
    await expect(guest.chat.locator(".tray")).to_be_hidden()
    await expect(guest.chat.locator(".message.user .photo")).to_have_count(10)
    await guest.page.route("**/messages", lambda route: route.abort())
    await guest.say("not heard")
    await expect(guest.page.locator(".toast")).to_contain_text("doesn't answer")
    await expect(write).to_have_value("not heard")
    guest.troubles.clear()
    await guest.page.unroute("**/messages")
    await guest.page.reload()
    await expect(write).to_have_value("not heard")
    await write.press("Enter")
    await guest.hears("buttons, commands and photos")


async def test_on_a_phone_everything_stays_within_reach(guest: Guest) -> None:
    await guest.begin()
    await guest.choose_samples(FILMS)
    for width in (360, 390, 1024):
        await guest.page.set_viewport_size({"width": width, "height": 800})
        await expect(guest.chat.locator(".send")).to_be_in_viewport(ratio=1)
        await expect(guest.chat.locator(".clip")).to_be_in_viewport(ratio=1)


async def test_hands_stay_where_they_are(guest: Guest) -> None:
    """What is drawn anew keeps the focus of whoever is at the keyboard."""
    await guest.begin()
    await guest.hears("Hello")
    await guest.chat.locator(".commands summary").press("Enter")
    await guest.chat.get_by_role("menuitem", name="/help").press("Enter")
    await guest.hears("How it works")
    await expect(guest.chat.locator("textarea")).to_be_focused()
    pace = (await guest.open("fal")).locator("input[type=number]").first
    await pace.press("ArrowUp")
    await expect(pace).to_be_focused()
    await pace.press("ArrowDown")
    await expect(pace).to_be_focused()
    await guest.page.locator("#tab-fal").press("ArrowRight")
    await expect(guest.page.locator("#tab-rows")).to_be_focused()
    await expect(guest.page.locator("#rows")).to_be_visible()
