"""An accounts payable clerk's hour in a real browser: many exceptions at once, a long invoice, a session that ends."""

from __future__ import annotations

import msgspec

from tests.e2e.test_console import (
    WIDER,
    Page,
    Running,
    browser,
    console,
    expect,
    page,
    pytestmark,
    sign_in_first,
)
from tests.support.p2p_double import CASE_REF
from tests.support.people import PASSWORD

__all__ = ["browser", "console", "page", "pytestmark"]


def test_several_exceptions_are_chosen_and_decided_by_keyboard_alone(page: Page, console: Running) -> None:
    sign_in_first(page, console)
    page.goto(f"{console.url}/cases")
    every = page.get_by_label("Choose all rows that are shown")
    every.check()
    expect(page.locator("#chosen")).to_have_text("4 chosen")
    page.get_by_label("On this page").fill("late acknowledged")  # what is not seen is not chosen
    expect(page.locator("#chosen")).to_have_text("1 chosen")
    page.get_by_label("On this page").fill("")
    every.uncheck()
    every.blur()
    for key in "jxjjx":
        page.keyboard.press(key)
    expect(page.locator("#chosen")).to_have_text("2 chosen")
    page.get_by_label("With the chosen").focus()
    page.keyboard.type("Hold")
    page.keyboard.press("Tab")
    page.keyboard.type("price list of May")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status").filter(has_text="2 exceptions held.")).to_be_visible()
    assert [(one.action.value, one.reason) for one in console.operations.matters.taken] == [
        ("hold", "price list of May")
    ] * 2


def test_a_session_that_ends_in_the_middle_of_a_form_loses_nothing_that_was_typed(page: Page, console: Running) -> None:
    sign_in_first(page, console)
    page.goto(f"{console.url}/cases/{CASE_REF}")
    page.locator("summary", has_text="Hold").click()
    reason = page.locator("details[open]").get_by_label("Reason")
    reason.fill("a long story about a price")
    page.context.clear_cookies()
    expect(page.locator("#signed-out")).to_be_visible(timeout=5000)
    reason.press("Enter")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in on another page").click()
    other = opened.value
    other.get_by_label("Name").fill("maria.lind")
    other.get_by_label("Password").fill(PASSWORD)
    other.keyboard.press("Enter")
    other.wait_for_url("**/channels")
    expect(page.locator("#signed-out")).to_be_hidden(timeout=5000)
    page.locator("details.action:has(form) summary", has_text="Hold").click()
    expect(reason).to_have_value("a long story about a price")
    reason.press("Enter")

    expect(page.get_by_text("Hold: kept, and the matter decided over.")).to_be_visible()
    assert [one.reason for one in console.operations.matters.taken] == ["a long story about a price"]


def test_an_open_exception_says_when_somebody_else_closed_it_and_takes_no_decision(
    page: Page, console: Running
) -> None:
    sign_in_first(page, console)
    page.goto(f"{console.url}/cases/{CASE_REF}")
    matters = console.operations.matters
    kept = matters.dossiers["order:PO-4711"]
    closed = tuple(msgspec.structs.replace(one, state="decided") for one in kept.cases)
    matters.dossiers["order:PO-4711"] = msgspec.structs.replace(kept, cases=closed)
    page.locator("summary", has_text="Accept").click()
    page.locator("details[open]").get_by_label("Reason").fill("fine")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status").filter(has_text="The case is not open any more")).to_be_visible()
    expect(page.locator(".title .badge").first).to_have_text("decided")
    assert matters.taken == []


def test_no_list_is_wider_than_the_screen_of_an_office_desk(page: Page, console: Running) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    sign_in_first(page, console)
    wide = []
    for path in ("/cases", f"/cases/{CASE_REF}", "/approvals", "/payments", "/recall?item=IMP-7&lot=L2291", "/held"):
        page.goto(console.url + path)
        wide += [path] * (page.evaluate(WIDER) or page.evaluate("document.documentElement.scrollWidth") > 1280)

    assert wide == []
