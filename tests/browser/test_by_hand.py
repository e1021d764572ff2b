"""The whole product by clicking: what a person does and sees, and what the page shows of the rows."""

import re

from playwright.async_api import expect

from app.core.pseudonyms import Pseudonyms
from tests.browser.chat_user import ChatUser, files

FILMS = [f"film-{number:02}.jpg" for number in range(1, 11)]
PORTRAITS = [f"IMG_{4100 + number}.jpg" for number in range(10)]


async def test_a_portrait_from_start_to_ready(chat_user: ChatUser) -> None:
    await chat_user.name_avatar("Portrait", "Summer <b>evening</b>")
    avatar = (await chat_user.sees_the_truth())["avatars"]
    assert [row["name"] for row in avatar.values()] == ["Summer <b>evening</b>"]
    await chat_user.choose_samples(PORTRAITS)
    await chat_user.send()
    await expect(chat_user.chat.locator(".message.user .photo")).to_have_count(10)
    await chat_user.hears("10 photos accepted")
    assert not (await chat_user.sees_the_truth())["uploads"]
    await chat_user.start_training()
    assert len((await chat_user.sees_the_truth())["trainings"]) == 1
    card = chat_user.page.locator("#fal .card").first
    await expect(card.locator(".state")).to_have_text(re.compile("IN_QUEUE|IN_PROGRESS"))
    await card.locator(".arguments summary").click()
    assert "token=[hidden]" in (await card.locator(".arguments").inner_text()).replace("\n", "")
    await chat_user.at_fal("Finish now")
    ready = await chat_user.hears("is ready!")
    assert "Summer <b>evening</b>" in await ready.inner_text()
    await card.locator(".archive summary").click()
    await expect(card.locator(".archive tbody tr")).to_have_count(10)
    await expect(card.locator(".callbacks")).to_contain_text("200")
    await chat_user.is_told()
    rows = await chat_user.sees_the_truth()
    assert [row["outcome"] for row in rows["inbox_events"].values()] == ["completed"]
    assert [row["state"] for row in rows["notifications"].values()] == ["SENT"]
    assert rows["trainings"].keys() == {row["training_id"] for row in rows["notifications"].values()}


async def test_a_style_from_an_album_that_was_dropped(chat_user: ChatUser) -> None:
    await chat_user.name_avatar("Style", "Film")
    await chat_user.drop(files(chat_user.sandbox, "film-*.jpg", 10), as_files=True)
    await expect(chat_user.chat.locator(".tray li")).to_have_count(10)
    await chat_user.send()
    album = chat_user.chat.locator(".message.user").last
    await expect(album.locator(".file")).to_have_count(10)
    await expect(album).to_contain_text("film-01.jpg")
    await chat_user.hears("10 photos accepted")
    await chat_user.start_training()
    card = chat_user.page.locator("#fal .card").first
    await card.locator(".arguments summary").click()
    await expect(card.locator(".arguments")).to_contain_text("is_style")
    await chat_user.at_fal("Finish now")
    await chat_user.hears("is ready!")
    rows = await chat_user.sees_the_truth()
    assert [row["state"] for row in rows["avatars"].values()] == ["COMPLETED"]


async def test_a_lost_callback_is_found_by_asking(chat_user: ChatUser) -> None:
    await chat_user.begin_training("Lost")
    await chat_user.at_fal("Lose the callback")
    await expect(chat_user.page.locator("#fal .card").first.locator(".unusual")).to_have_text(
        "Callback: lost"
    )
    await chat_user.at_fal("Finish now")
    await expect(chat_user.page.locator("#fal .card").first.locator(".state")).to_have_text("COMPLETED")
    await chat_user.have_fal_asked()
    await chat_user.hears("is ready!")
    rows = await chat_user.sees_the_truth()
    assert rows["inbox_events"] == {}
    assert [row["state"] for row in rows["trainings"].values()] == ["COMPLETED"]
    await chat_user.at_fal("Once more")
    await expect(chat_user.page.locator("#curtain .toast").last).to_contain_text("200")
    assert len((await chat_user.sees_the_truth())["inbox_events"]) == 1


async def test_a_failure_is_told_and_trying_again_works(chat_user: ChatUser) -> None:
    await chat_user.begin_training("Twice")
    await chat_user.at_fal("Forge it")
    await expect(chat_user.page.locator("#curtain .toast").last).to_contain_text("401")
    await chat_user.page.reload()
    await chat_user.page.locator("#fal .card").first.locator("select").select_option("internal_server_error")
    await chat_user.at_fal("Fail with")
    again = chat_user.page.locator("#fal .card").first
    await expect(again.locator(".state")).to_have_text("FAILED")
    await chat_user.press("Try again")
    await again.get_by_role("button", name="Finish now").wait_for()
    await chat_user.at_fal("5 times")
    await expect(again.locator(".unusual")).to_have_text("Callback: ×5")
    await chat_user.at_fal("Finish now")
    await chat_user.hears("is ready!")
    await expect(again.locator(".callbacks li")).to_have_count(5)
    rows = await chat_user.sees_the_truth()
    assert sorted(row["state"] for row in rows["trainings"].values()) == ["COMPLETED", "FAILED"]
    assert len(rows["inbox_events"]) == 2
    await follow(chat_user)


async def follow(chat_user: ChatUser) -> None:
    """From the message's row back to the tap: the log shows one training, and its message is marked."""
    log = await chat_user.open("log")
    person = Pseudonyms(chat_user.sandbox.telegram_token).of(chat_user.person)
    told = log.locator("li", has_text="notification.sent").filter(has_text=f"user_id={person}")
    await expect(told).to_have_count(2)
    await told.last.locator(".chip").click()
    seen = log.locator("li:visible")
    await expect(seen.filter(has_text="training.starting")).to_have_count(1)
    await expect(seen.filter(has_text="webhook.received").first).to_be_visible()
    await expect(chat_user.chat.locator(".message.followed")).to_have_count(1)
    await expect(chat_user.chat.locator(".message.followed")).to_contain_text("is ready!")


async def test_the_bot_and_the_page_change_their_language(chat_user: ChatUser) -> None:
    await chat_user.begin()
    await chat_user.hears("Hello, Aisha!")
    await chat_user.say("/language")
    await chat_user.press("Қазақша")
    await chat_user.chat.locator(".commands summary").click()
    menu = chat_user.chat.locator(".commands .popover")
    await expect(menu).to_contain_text("Аватар жасау")
    await menu.get_by_role("menuitem", name="/new").click()
    await chat_user.hears("Портрет")
    await chat_user.page.locator("#language").select_option("kk")
    await expect(chat_user.page.locator("#tab-rows")).to_have_text("Дерекқор жолдары")
    await expect(chat_user.page.locator("html")).to_have_attribute("lang", "kk")
    await expect(chat_user.chat.locator(".message").first).to_be_visible()


async def test_what_comes_unseen_is_counted_and_a_blocked_bot_is_silent(chat_user: ChatUser) -> None:
    await chat_user.begin()
    for command in ("/help", "/privacy", "/help"):
        await chat_user.say(command)
    await expect(chat_user.chat.locator(".message.bot")).to_have_count(4)
    await expect(chat_user.page).to_have_title(re.compile("^Aisha"))
    await chat_user.chat.locator(".messages").evaluate("list => { list.scrollTop = 0; }")
    async with chat_user.sandbox.user(chat_user.person, first_name="Aisha", language_code="en") as elsewhere:
        await elsewhere.send("/privacy")
    await expect(chat_user.chat.locator(".jump")).to_have_text("1")
    await expect(chat_user.page).to_have_title(re.compile(r"^\(1\)"))
    await chat_user.chat.locator(".jump").click()
    await expect(chat_user.page).to_have_title(re.compile("^Aisha"))
    await chat_user.chat.locator("header .menu summary").click()
    await chat_user.chat.get_by_role("button", name="Block the bot").click()
    await expect(chat_user.chat.locator("textarea")).to_be_hidden()
    await chat_user.chat.get_by_role("button", name="Unblock").click()
    await chat_user.say("/start")
    await chat_user.hears("Hello")


async def test_nothing_is_sent_twice_and_nothing_is_lost(chat_user: ChatUser) -> None:
    await chat_user.name_avatar("Style", "Once")
    await chat_user.choose_samples(FILMS)
    write = chat_user.chat.locator("textarea")
    await write.press("Enter")
    await write.press("Enter")
    await chat_user.hears("10 photos accepted")
    await expect(chat_user.chat.locator(".tray")).to_be_hidden()
    await expect(chat_user.chat.locator(".message.user .photo")).to_have_count(10)
    await chat_user.page.route("**/messages", lambda route: route.abort())
    await chat_user.say("not heard")
    await expect(chat_user.page.locator(".toast")).to_contain_text("doesn't answer")
    await expect(write).to_have_value("not heard")
    chat_user.troubles.clear()
    await chat_user.page.unroute("**/messages")
    await chat_user.page.reload()
    await expect(write).to_have_value("not heard")
    await write.press("Enter")
    await chat_user.hears("buttons, commands and photos")


async def test_on_a_phone_everything_stays_within_reach(chat_user: ChatUser) -> None:
    await chat_user.begin()
    await chat_user.choose_samples(FILMS)
    for width in (360, 390, 1024):
        await chat_user.page.set_viewport_size({"width": width, "height": 800})
        await expect(chat_user.chat.locator(".send")).to_be_in_viewport(ratio=1)
        await expect(chat_user.chat.locator(".clip")).to_be_in_viewport(ratio=1)


async def test_hands_stay_where_they_are(chat_user: ChatUser) -> None:
    """What is drawn anew keeps the focus of whoever is at the keyboard."""
    await chat_user.begin()
    await chat_user.hears("Hello")
    await chat_user.chat.locator(".commands summary").press("Enter")
    await chat_user.chat.get_by_role("menuitem", name="/help").press("Enter")
    await chat_user.hears("How it works")
    await expect(chat_user.chat.locator("textarea")).to_be_focused()
    pace = (await chat_user.open("fal")).locator("input[type=number]").first
    await pace.press("ArrowUp")
    await expect(pace).to_be_focused()
    await pace.press("ArrowDown")
    await expect(pace).to_be_focused()
    await chat_user.page.locator("#tab-fal").press("ArrowRight")
    await expect(chat_user.page.locator("#tab-rows")).to_be_focused()
    await expect(chat_user.page.locator("#rows")).to_be_visible()
