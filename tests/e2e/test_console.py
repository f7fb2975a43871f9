"""The console in a real browser: from the first link to a resent message, by mouse and by keyboard alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.core.ids import id_text
from engine.ports.journal import MessageRow, Query
from engine.ports.states import MessageState
from tests.support.console_server import Running, running_console
from tests.support.p2p_double import CASE_REF
from tests.support.payments_double import BACK, DISPUTED, RUN
from tests.support.people import PASSWORD

CHROMIUM = Path("/usr/bin/chromium")
AUDIT = (Path(__file__).parents[1] / "support" / "page_audit.js").read_text()
WIDER = "[...document.querySelectorAll('main .scroll')].some(e => e.scrollWidth > e.clientWidth + 1)"
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
Browser, BrowserContext, Page, expect = sync_api.Browser, sync_api.BrowserContext, sync_api.Page, sync_api.expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is absent (/usr/bin/chromium)"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Running]:
    with running_console(tmp_path) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    made = context.new_page()
    problems: list[str] = []
    made.on("console", lambda m: problems.append(m.text) if m.type == "error" and "Failed to load" not in m.text else 0)
    made.on("pageerror", lambda error: problems.append(str(error)))
    yield made
    context.close()
    assert problems == [], "the browser reported errors (also content policy violations)"


def sign_in_first(page: Page, console: Running) -> None:
    page.goto(console.first_link)
    page.get_by_label("Name").fill("maria.lind")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Set password and sign in").click()
    page.wait_for_url("**/channels")


def held(console: Running, channel: str) -> MessageRow:
    query = Query(channel=channel, states=(MessageState.HELD,), limit=1)
    return asyncio.run_coroutine_threadsafe(console.operations.search(query, "test"), console.loop).result(5)[0]


def test_the_first_link_lets_the_first_administrator_in_and_nobody_else(page: Page, console: Running) -> None:
    page.goto(f"{console.url}/messages")
    expect(page).to_have_url(re.compile("/sign-in$"))

    sign_in_first(page, console)

    expect(page.get_by_role("heading", level=1)).to_have_text("Channels")
    expect(page.locator("tr[data-row]")).to_have_count(6)
    page.goto(console.first_link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Link used or expired")


def test_signing_in_after_a_wrong_password(page: Page, console: Running) -> None:
    sign_in_first(page, console)
    page.locator(".menu summary").click()
    page.get_by_role("button", name="Sign out").click()

    page.get_by_label("Name").fill("maria.lind")
    page.get_by_label("Password").fill("not the right words")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Channels")


def test_channels_refresh_themselves_and_say_when_they_are_stale(page: Page, console: Running) -> None:
    sign_in_first(page, console)
    expect(page.locator("#pulse")).to_have_attribute("data-tone", "good", timeout=5000)
    rate = page.locator("[data-live='admissions.rate']").inner_text()
    spark = page.locator("[data-live='admissions.spark']").get_attribute("points")

    expect(page.locator("[data-live='admissions.spark']")).not_to_have_attribute("points", spark or "", timeout=5000)
    expect(page.locator("[data-live='admissions.rate']")).not_to_have_text(rate, timeout=5000)
    page.route("**/live", lambda route: route.abort())
    expect(page.locator("#stale")).to_be_visible(timeout=15_000)
    page.unroute("**/live")
    expect(page.locator("#stale")).to_be_hidden(timeout=15_000)


def test_typing_narrows_the_channels_and_the_keys_pass_over_the_others(page: Page, console: Running) -> None:
    sign_in_first(page, console)
    shown = page.locator("tr[data-row]:visible")
    page.keyboard.press("/")
    page.keyboard.type("erp SUPPLIER")

    expect(page.locator("#narrowed")).to_have_text("3 of 6")
    page.get_by_label("Name, purpose").fill("north 6662")
    expect(shown).to_have_count(1)
    page.get_by_label("Name, purpose").blur()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="supply_charges", exact=True)).to_be_focused()
    page.get_by_label("Name, purpose").fill("")
    expect(shown).to_have_count(6)


def test_only_what_calls_for_a_person_is_spoken(page: Page, console: Running) -> None:
    row = held(console, "supplier_invoice")
    sign_in_first(page, console)
    expect(page.locator("#pulse")).to_have_attribute("data-tone", "good", timeout=5000)
    before = int(page.locator("nav [data-live='all.held']").inner_text())
    work = console.operations.discard(row.message_id, "tom", "test")
    asyncio.run_coroutine_threadsafe(work, console.loop).result(5)

    expect(page.locator("#announce")).to_have_text(f"Held messages: {before - 1}", timeout=5000)
    assert page.locator("#pulse").get_attribute("role") is None


def test_signing_out_elsewhere_does_not_throw_typed_work_away(page: Page, console: Running) -> None:
    row = held(console, "stock_requisition")
    sign_in_first(page, console)
    page.goto(f"{console.url}/messages/{id_text(row.message_id)}/edit")
    page.get_by_label("Message").fill("MSH|my long work")
    page.context.clear_cookies()

    expect(page.locator("#pulse")).to_have_text(re.compile("signed out"), timeout=5000)
    assert page.get_by_label("Message").input_value() == "MSH|my long work"


def test_pausing_a_channel_asks_why_and_is_recorded(page: Page, console: Running) -> None:
    sign_in_first(page, console)
    page.get_by_role("link", name="stock_requisition", exact=True).click()
    page.locator("summary", has_text="Pause").click()
    page.locator("details[open]").get_by_label("Reason").fill("ERP maintenance")
    page.get_by_role("button", name="Pause the channel").click()

    expect(page.locator(".title .badge")).to_have_text("paused")
    assert console.operations.sent == [("set_channel", "channel stock_requisition", "maria.lind", "ERP maintenance")]


def test_escape_closes_a_form_and_gives_the_focus_back_to_its_button(page: Page, console: Running) -> None:
    sign_in_first(page, console)
    page.goto(f"{console.url}/channels/admissions")
    button = page.locator("summary", has_text=re.compile("^Pause$"))
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("details[open]").get_by_label("Reason")).to_be_focused()

    page.keyboard.press("Escape")

    expect(page.locator("details.action[open]")).to_have_count(0)
    expect(button).to_be_focused()


def test_a_message_is_found_read_edited_and_resent(page: Page, console: Running) -> None:
    row = held(console, "stock_requisition")
    sign_in_first(page, console)
    page.get_by_role("link", name="Messages", exact=True).click()
    page.get_by_label("Find").fill(row.keys[0][1])
    page.get_by_role("button", name="Search").click()
    assert row.keys[0][1] not in page.url
    page.get_by_role("link", name=id_text(row.message_id)).click()
    expect(page.locator(".segments li").first).to_contain_text("MSH")
    expect(page.get_by_title("RQD-5").first).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Drape laparotomy"))).to_contain_text("12 EA")

    page.get_by_role("link", name="Edit and resend").click()
    area = page.get_by_label("Message")
    area.fill(area.input_value().replace("|BX|", "|EA|"))
    page.get_by_label("Reason").fill("the unit was wrong")
    page.get_by_role("button", name="Resend edited message").click()

    expect(page.get_by_role("status").filter(has_text="on its way")).to_be_visible()
    expect(page.locator(".segments")).to_contain_text("|EA|")
    page.locator("dt", has_text="Came from").locator("xpath=..").get_by_role("link").click()
    expect(page.locator(".title .badge")).to_have_text("Superseded")
    assert console.operations.sent[-1][2:] == ("maria.lind", "the unit was wrong")


def test_an_open_message_page_says_when_the_message_moved_on(page: Page, console: Running) -> None:
    row = held(console, "supplier_invoice")
    sign_in_first(page, console)
    page.goto(f"{console.url}/messages/{id_text(row.message_id)}")
    work = console.operations.discard(row.message_id, "tom", "test")
    asyncio.run_coroutine_threadsafe(work, console.loop).result(5)

    expect(page.locator("#changed")).to_be_visible(timeout=5000)
    expect(page.locator(".title .badge")).to_have_text("Discarded")


def test_a_whole_group_is_resent_at_once(page: Page, console: Running) -> None:
    sign_in_first(page, console)
    page.get_by_role("navigation").get_by_role("link", name="Held").click()
    group = page.locator("section.group", has_text="D004")
    number = group.locator("tbody tr").count()
    group.get_by_label("Choose all of this group").check()
    group.get_by_label("Reason").fill("items were added")
    group.get_by_role("button", name="Resend chosen").click()

    expect(page.get_by_role("status").filter(has_text=f"{number} messages resent")).to_be_visible()
    expect(page.locator("section.group", has_text="D004")).to_have_count(0)


def test_everything_can_be_done_with_the_keyboard_alone(page: Page, console: Running) -> None:
    sign_in_first(page, console)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page.get_by_role("heading", level=1)).to_have_text("Messages")
    page.keyboard.press("/")
    page.keyboard.type(held(console, "supplier_invoice").keys[0][1])
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-row]")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".title .badge")).to_have_text("Held")
    page.locator("summary", has_text=re.compile("^Discard$")).focus()
    page.keyboard.press("Enter")
    expect(page.locator("details[open]").get_by_label("Reason")).to_be_focused()
    page.keyboard.type("test invoice")
    page.keyboard.press("Enter")

    expect(page.locator(".title .badge")).to_have_text("Discarded")
    assert console.operations.sent[-1][3] == "test invoice"


PATHS = ("/channels", "/channels/supply_charges", "/messages", "/messages?state=DISCARDED", "ONE", "ONE/edit", "/held")
PATHS += ("/revisions", "/audit", "/people", "/connections", "/password", "/nothing")
PATHS += ("/cases", f"/cases/{CASE_REF}", "/orders", "/orders/PO-4711", "/approvals", "/measures")
PATHS += ("/recall", "/recall?item=IMP-7&lot=L2291")
PATHS += ("/payments", "/payments?group=held&supplier=NONE", f"/payments/runs/{RUN}", f"/payments/{DISPUTED}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 820])
def test_every_page_is_accessible_and_fits(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    with running_console(tmp_path) as console:
        context: BrowserContext = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme)
        page = context.new_page()
        page.goto(console.first_link)
        findings = {"/welcome": page.evaluate(AUDIT)}
        sign_in_first(page, console)
        one = f"/messages/{id_text(held(console, 'supplier_invoice').message_id)}"
        for path in PATHS:
            page.goto(console.url + path.replace("ONE", one))
            findings[path] = page.evaluate(AUDIT)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                findings[path].append("the page is wider than the window")
            if page.evaluate(WIDER):
                findings[path].append("a list is wider than its place: it would have to be moved sideways to be read")
        context.close()

    assert {path: found for path, found in findings.items() if found} == {}


def test_the_accessibility_audit_finds_what_it_looks_for(page: Page) -> None:
    page.set_content(
        "<main><h2>x</h2><h4>y</h4><input><a href='/'></a><img src=''><table><tr><th>a</th></tr></table>"
        "<nav></nav><p style='color: #999'>grey</p><i id=a>i</i><i id=a>i</i></main>"
    )

    found = " ".join(page.evaluate(AUDIT))

    for rule in (
        "no language",
        "no title",
        "one h1",
        "heading skips",
        "without a label",
        "control without",
        "without alt",
    ):
        assert rule in found
    for rule in ("column heads", "without scope", "region without", "contrast 2.85", "used twice"):
        assert rule in found


def test_open_forms_are_accessible_too(page: Page, console: Running) -> None:
    sign_in_first(page, console)
    page.goto(f"{console.url}/messages/{id_text(held(console, 'supplier_invoice').message_id)}")
    found = []
    for number in range(page.locator("details.action").count()):
        page.locator("details.action > summary").nth(number).click()
        found += page.evaluate(AUDIT)
    page.evaluate("document.activeElement.blur()")  # in a field a question mark is text
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()

    assert found + page.evaluate(AUDIT) == []


def test_without_its_script_the_console_still_works(browser: Browser, console: Running) -> None:
    row = held(console, "stock_requisition")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in_first(page, console)
    expect(page.locator("[data-scripted]")).to_be_hidden()
    page.goto(f"{console.url}/messages/{id_text(row.message_id)}")
    page.locator("summary", has_text=re.compile("^Resend$")).click()
    page.locator("details[open]").get_by_label("Reason").fill("item added")
    page.get_by_role("button", name="Resend the message").click()

    expect(page.locator(".title .badge")).to_have_text("Received")
    context.close()


def test_the_session_cookie_is_out_of_reach_of_scripts(page: Page, console: Running) -> None:
    sign_in_first(page, console)

    assert page.evaluate("document.cookie") == ""
    cookie = page.context.cookies()[0]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert msgspec.json.encode(page.evaluate("Object.keys(localStorage)")) == b"[]"


def test_an_exception_is_decided_by_keyboard_alone_from_the_queue(page: Page, console: Running) -> None:
    sign_in_first(page, console)
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.wait_for_url("**/cases")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{CASE_REF}")
    expect(page.get_by_text("A price of 12.75 or less on line 2")).to_be_visible()
    page.locator("summary", has_text="Hold").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Until").press("Tab")
    page.locator("form[action$='/act']:visible").get_by_label("Reason").fill("asked the supplier")
    page.keyboard.press("Enter")

    expect(page.get_by_text("Hold: kept, and the matter decided over.")).to_be_visible()
    (action,) = console.operations.matters.taken
    assert (action.action.value, action.who, action.reason) == ("hold", "maria.lind", "asked the supplier")


def test_a_quantity_that_is_no_number_is_refused_before_anything_typed_is_lost(page: Page, console: Running) -> None:
    sign_in_first(page, console)
    page.goto(f"{console.url}/cases/{CASE_REF}")
    page.locator(".actions summary", has_text=re.compile("^Split$")).click()
    form = page.locator("details[open]")
    for field in form.locator("input[required]").all():
        field.fill("1")
    form.get_by_label("Quantity 2").fill("two")
    form.get_by_role("button", name="Split").click()

    expect(form.get_by_label("Quantity 2")).to_be_focused()
    expect(form.get_by_label("Reason")).to_have_value("1")


def test_the_forms_of_an_exception_stay_in_the_window_of_a_tablet(page: Page, console: Running) -> None:
    page.set_viewport_size({"width": 820, "height": 1100})
    sign_in_first(page, console)
    page.goto(f"{console.url}/cases/{CASE_REF}")
    buttons = page.locator(".actions > details.action > summary")

    widths = {}
    for button in buttons.all():
        button.click()
        widths[button.inner_text()] = page.evaluate("document.documentElement.scrollWidth")
        page.keyboard.press("Escape")

    assert len(widths) > 5
    assert {name: width for name, width in widths.items() if width > 820} == {}


def test_the_forms_of_an_exception_are_accessible(page: Page, console: Running) -> None:
    sign_in_first(page, console)
    page.goto(f"{console.url}/cases/{CASE_REF}")
    found = []
    for number in range(page.locator("details.action").count()):
        page.locator("details.action > summary").nth(number).click()
        found += page.evaluate(AUDIT)

    assert page.locator("details.action").count() == 9
    assert found == []


def test_a_payment_in_disagreement_is_found_by_keyboard_alone_with_what_to_do(page: Page, console: Running) -> None:
    sign_in_first(page, console)
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/payments")
    expect(page.locator(".tiles dt a")).to_have_count(6)
    page.keyboard.press("/")
    page.keyboard.type("In d")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/payments?group=disputed*")
    expect(page.get_by_role("table", name="In disagreement, decided last first").locator("[data-row]")).to_have_count(1)
    for _ in range(3):  # two runs, then the payment
        page.keyboard.press("j")
    page.keyboard.press("Enter")

    page.wait_for_url(f"**/payments/{DISPUTED}")
    expect(page.get_by_role("region", name="What to do")).to_contain_text("The bank moved money that the ERP")
    expect(page.get_by_role("row", name=re.compile("^Bank"))).to_contain_text("settled")
    page.get_by_role("link", name="run RUN-").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Payment run")


def test_an_open_page_of_a_payment_says_when_it_was_decided_anew(page: Page, console: Running) -> None:
    sign_in_first(page, console)
    page.goto(f"{console.url}/payments/{BACK}")
    expect(page.locator("#pulse")).to_have_attribute("data-tone", "good", timeout=5000)

    console.operations.paid.bring(f"payment:{BACK}")

    expect(page.locator("#changed")).to_be_visible(timeout=10_000)
    assert page.locator("#changed").get_attribute("role") == "status"
