"""Policies of a site: read, linted with places, one digest; the shipped ones are without mistakes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.channel.finding import Finding
from engine.channel.lint import lint
from engine.channel.lints.ground import Knowledge
from engine.channel.load import load_site
from engine.channel.policies import PARTS, Policies
from engine.channel.policy_parts import Aspects, parse_work_time
from engine.cli.workspace import knowledge
from engine.procure.policies import match_rule_for, tolerance_for

SHIPPED = Path(__file__).parents[3] / "config" / "policies"


@pytest.fixture(scope="module")
def known() -> Knowledge:
    return knowledge()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(SHIPPED, tmp_path / "config" / "policies")
    (tmp_path / "channels").mkdir()
    return tmp_path


def found(root: Path, known: Knowledge) -> list[Finding]:
    return lint(load_site(root), known)


def test_the_shipped_policies_are_without_mistakes(root: Path, known: Knowledge) -> None:
    assert found(root, known) == []
    assert set(load_site(root).policies.model_fields_set) == set(PARTS)


@pytest.mark.parametrize(
    ("part", "before", "after", "code", "words"),
    [
        ("tolerances", "percent: 2}", "percnt: 2}", "C001", "did you mean 'percent'"),
        ("tolerances", 'absolute: "5.00"', "absolute: 5.00", "C009", "in quotes"),
        ("tolerances", 'percent: "0.5"', "percent: 0.5", "C009", 'percent: "0.5"'),
        ("tolerances", "rule: freight", "rule: fright", "C006", "did you mean 'freight'"),
        ("tolerances", "absolute: 5}", "absolute: -5}", "C005", "at least 0"),
        ("tolerances", "{unlimited: true}", "{unlimited: true, percent: 2}", "C009", "unlimited has no limits"),
        ("tolerances", "rule: quantity_received", "rule: quantity_ordered", "C133", "same as entry 4"),
        ("matching", "ways: 4", "ways: 5", "C006", "must be one of: 2, 3, 4"),
        ("matching", "hold_from: 80", "hold_from: 180", "C005", "at most 100"),
        ("exceptions", "owner: buyer", "owner: buyers", "C131", "did you mean 'buyer'"),
        ("exceptions", "to: cfo, within: 2 business days", "to: cof", "C131", "there is no role 'cof'"),
        ("exceptions", "due: 1 business day", "due: 1 working day", "C009", "4 business hours, 2 business days"),
        ("postings", ", undone_by: undo_post_invoice", "", "C009", "nothing takes post_invoice back"),
        ("postings", "command: archive_invoice", "command: archive_invoces", "C009", "no command is called"),
        ("postings", "- {command: post_invoice,", "- {command: post_journal,", "C009", "not post_invoice itself"),
        ("exceptions", "types: [budget_*]", "types: [budgets_*]", "C139", "no exception is called 'budgets_*'"),
        ("exceptions", "owner: receiving", "owner: receiving\n    person: k.sato", "C009", "one of them"),
        ("approvals", "roles: [purchasing-manager]", "roles: [purchasing-manger]", "C131", "did you mean"),
        ("approvals", "taker: p.iyer", "taker: p.ier", "C131", "there is no person 'p.ier'"),
        ("approvals", "taker: p.iyer", "taker: W.Castellan", "C009", "nobody delegates to herself"),
        ("approvals", "    above: 500\n", "    above: 900\n", "C135", "above 500 and up to 900"),
        ("approvals", "up_to: 10000\n    steps:\n      - {name: department, department_head: true, manager",
         "up_to: 400\n    steps:\n      - {name: department, department_head: true, manager", "C009", "no amount"),
        ("approvals", "master data, roles: [supplier-master, ap-manager]", "nobody", "C009", "nobody is asked"),
        ("approvals", "    above: 500\n", "    above: 400\n", "C143", "above 400 and up to 500 are also of"),
        ("approvals", "    above: 500\n", "    above: 400\n", "C143", "write above: 500"),
        ("approvals", "    above: 500\n", "", "C143", "amounts up to 500 are also"),
        ("approvals", "up_to: 500 ", "above: 20 #", "C135", "no route takes a requisition up to 20"),
        ("approvals", "    subjects: [payment]", "    subjects: [payment]\n    up_to: 9", "C135", "payment above 9"),
        ("approvals", "up_to: 500 ", "up_to: 10000 ", "C133", "'small supplies' above takes all that this one takes"),
        ("approvals", "    above: 500\n", "    above: 500\n    currency: EUR\n", "C145", "has its amounts in USD"),
        ("approvals", "    subjects: [payment]", "    subjects: [payment]\n    currency: GBP", "C144", "what GBP is"),
        ("people", "approves_up_to: 25000,", "approves_up_to: 25000, currency: JPY,", "C144", "under rates: of config"),
        ("people", "approves_up_to: 25000,", "approves_up_to: 25000, currency: yen,", "C004", "currency"),
        ("approvals", "route: supplies\n", "route: small supplies\n", "C146", "another route is called"),
        ("approvals", "need: 2", "need: 7", "C134", "it needs 7 people, and of those who"),
        ("approvals", "escalate_after: 30m}", "escalate_after: 0m}", "C147", "nothing escalates"),
        ("approvals", ", escalate_after: 30m, escalate_to", ", escalate_to", "C147", "write escalate_after:, too"),
        ("approvals", "expires_after: 30d", "expires_after: 0d", "C147", "as soon as it is asked for"),
        ("approvals", "route: suppliers\n", "route: suppliers\n    category: implnts\n", "C141", "mean 'implants'"),
        ("people", "unlimited: true", "unlimited: true, approves_up_to: 5", "C147", "remove one of the two"),
        ("people", "instead: ap-manager}", "instead: accounts-payable}", "C137", "stands in for 'accounts-payable'"),
        ("people", "head: a.quist}", "head: a.quist, parent: M-EDD}", "C141", "did you mean 'M-ED'"),
        ("people", "head: a.quist}", "head: a.quist, parent: W-CSSD}", "C137", "above 'W-CSSD'"),
        ("people", "approves_up_to: 2500,", "approves_upto: 2500,", "C001", "did you mean 'approves_up_to'"),
        ("people", "departments: [C-CLIN]", "departments: C-CLIN", "C003", "for example: departments: [M-OR]"),
        ("calendars", "closed_through: 2026-09-30", "closed_months: [2026-9]", "C004", "closed_months: [2026-10]"),
        ("calendars", 'opens: "08:00"', 'opens: "8:00"', "C004", 'for example: opens: "08:00"'),
        ("records", "field: Item.cost_price", "field: Supplier.payment_terms_days", "C009", "records.yaml:14:12"),
        ("currencies", 'worth: "1.0850"', "worth: 1.0850", "C009", "in quotes"),
        ("currencies", 'worth: "1.0850"', 'worth: "0"', "C005", 'more than 0; for example: worth: "1.0850"'),
        ("currencies", "currency: CAD", "currency: EUR", "C009", "two rates from 2026-07-01"),
        ("currencies", "currency: CAD", "currency: USD", "C009", "is the base currency"),
        ("calendars", "CLINIC: clinic", "CLINIC: clnic", "C136", "did you mean 'clinic'"),
        ("calendars", "usual: office", "usual: offices", "C009", "there is no calendar 'offices'"),
        ("calendars", "usual: office", "usual: offices", "C009", "calendars.yaml:3:8:"),
        ("calendars", "[mon, tue,", "[mon, tues,", "C006", "'days[2]' must be one of"),
        ("calendars", "[mon, tue,", "[mon, mon, tue,", "C009", "a day stands twice"),
        ("calendars", "2026-11-26", "2026-11-31", "C003", "needs a date such as"),
        ("people", "departments: [M-OR,", "departments: [M-ORR,", "C141", "did you mean 'M-OR'"),
        ("calendars", "America/New_York", "America/New_Yrok", "C076", "not a zone"),
        ("calendars", 'closes: "17:00"', 'closes: "07:00"', "C009", "closes is not after opens"),
        ("people", "[controller], manager: h.vance", "[controller], manager: w.castellan", "C137", "p.iyer"),
        ("people", "instead: ap-manager}", "instead: ap-manger}", "C131", "did you mean 'ap-manager'"),
        ("people", "{person: g.stroud,", "{person: G.Stroud, also: [p.iyer],", "C009", "also another person's"),
        ("people", "[controller], manager", "[controller], last_day: 2026-12-01, manager", "C138", "p.iyer"),
        ("milestones", "owner: treasury", "owner: tresury", "C131", "did you mean 'treasury'"),
        ("milestones", "milestone: invoice_cycle", "milestone: invoice_cycel", "C006", "did you mean 'invoice_cycle'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(
    root: Path, known: Knowledge, part: str, before: str, after: str, code: str, words: str
) -> None:
    path = root / "config" / "policies" / f"{part}.yaml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))

    findings = [one for one in found(root, known) if one.code == code]

    assert findings, found(root, known)
    assert any(words in str(one) for one in findings), [str(one) for one in findings]
    assert findings[0].line > 1


def test_names_are_not_called_unknown_while_the_file_of_people_has_a_mistake(root: Path, known: Knowledge) -> None:
    path = root / "config" / "policies" / "people.yaml"
    path.write_text(path.read_text().replace("person: p.iyer", "person: h.vance", 1))

    assert [(one.file, one.code) for one in found(root, known)] == [("config/policies/people.yaml", "C009")]


def test_an_address_that_no_store_has_is_told(root: Path, known: Knowledge) -> None:
    (root / "config" / "engine.yaml").write_text("store:\n  url: mysql://db/isthmus\n")

    (finding,) = [one for one in found(root, known) if one.code == "C004"]
    assert (finding.file, finding.line) == ("config/engine.yaml", 2)
    assert "sqlite:PATH" in finding.text


def test_names_that_differ_in_numbers_or_are_known_to_the_site_are_no_slips(root: Path, known: Knowledge) -> None:
    people, rules = (root / "config" / "policies" / f"{part}.yaml" for part in ("people", "tolerances"))
    text = people.read_text().replace("departments: [C-CLIN]", "facilities: [WEST-1, WEST-1, WEST-2]")
    people.write_text(text)
    rules.write_text(rules.read_text().replace("supplier: S1002", "facility: HARBOR-CLINIK"))
    (root / "config" / "crosswalks").mkdir()
    (root / "config" / "crosswalks" / "facilities.csv").write_text("from,to\n9,HARBOR-CLINIK\n8,HARBOR-CLINIC\n")

    assert [one for one in found(root, known) if one.code == "C141"] == []


def test_a_circle_of_delegations_in_the_same_days_is_told(root: Path, known: Knowledge) -> None:
    more = """
  - {giver: p.iyer, taker: h.vance, first_day: 2027-01-04, last_day: 2027-01-31}
  - {giver: h.vance, taker: w.castellan, first_day: DAY, last_day: 2027-01-31}
"""
    path = root / "config" / "policies" / "approvals.yaml"
    text = path.read_text()

    path.write_text(text + more.replace("DAY", "2027-01-05"))
    assert found(root, known) == []
    path.write_text(text + more.replace("DAY", "2027-01-04"))
    assert [one.code for one in found(root, known)] == ["C132"] * 3


def test_a_step_that_nobody_can_approve_is_told(root: Path, known: Knowledge) -> None:
    for part, before, after in (
        ("people", "unlimited: true", "approves_up_to: 10000"),
        ("approvals", "{name: finance, roles: [controller, cfo], escalate_after: 30m", "{name: x, roles: [cfo]"),
    ):
        path = root / "config" / "policies" / f"{part}.yaml"
        path.write_text(path.read_text().replace(before, after))

    assert ["approves more than 25000" in str(one) for one in found(root, known) if one.code == "C134"] == [True]


def test_a_file_of_another_name_is_told_with_the_nearest(root: Path, known: Knowledge) -> None:
    (root / "config" / "policies" / "tolerance.yaml").write_text("rules: []\n")

    assert ["did you mean 'tolerances'?" in str(one) for one in found(root, known)] == [True]


def test_the_digest_is_of_what_is_said_and_not_of_how(root: Path) -> None:
    before = load_site(root).policies.digest
    path = root / "config" / "policies" / "matching.yaml"

    path.write_text("# a remark\n" + path.read_text().replace("near_days: 7", "near_days:   7"))
    assert load_site(root).policies.digest == before
    path.write_text(path.read_text().replace("near_days:   7", "near_days: 8"))
    assert load_site(root).policies.digest != before


def test_policies_come_back_from_their_content(root: Path) -> None:
    policies = load_site(root).policies

    assert Policies.model_validate_json(policies.content) == policies


def test_the_most_specific_rule_counts(root: Path) -> None:
    policies = load_site(root).policies

    def price(of: Aspects) -> str:
        rule = tolerance_for(policies, "price", of)
        return str(rule.upper.percent) if rule else ""

    assert price(Aspects()) == "2"
    assert price(Aspects(category="implants")) == "0.5"
    assert price(Aspects(supplier="S1002", category="implants")) == "5"
    assert tolerance_for(Policies(), "price", Aspects()) is None
    assert match_rule_for(policies, Aspects(), "service").ways == 2
    assert match_rule_for(policies, Aspects(category="implants"), "goods").ways == 4
    assert match_rule_for(Policies(), Aspects()).ways == 3


@pytest.mark.parametrize("text", ["4 business hours", "1 business days", "30m", "24h", "7d"])
def test_times_are_written_back_as_they_are_read(text: str) -> None:
    assert parse_work_time(str(parse_work_time(text))) == parse_work_time(text)


def test_a_step_that_no_channel_takes_is_told(root: Path, known: Knowledge) -> None:
    """Only where the process is used at all."""
    channel = "channel: posting\nversion: 1\ntitle: x\nowner: a@b.example\nsource: {type: procure, commands: [%s]}\n"
    channel += "destinations: [{name: out, type: file, folder: out, send: message}]\n"
    path = root / "channels/posting.yaml"
    path.write_text(channel % "post_invoice, undo_post_invoice")

    told = [one for one in found(root, known) if one.code == "C142"]

    assert [(one.file, one.text) for one in told] == [
        ("config/policies/postings.yaml", "no channel takes the command 'archive_invoice'")
    ]
    path.write_text(channel % "post_invoice, undo_post_invoice, archive_invoice")
    assert [one for one in found(root, known) if one.code == "C142"] == []


def test_a_supplier_that_nothing_else_names_is_told(root: Path, known: Knowledge) -> None:
    partners = root / "config/partners"
    partners.mkdir()
    shutil.copy(SHIPPED.parent / "partners/brightwater.yaml", partners)  # S1002, whose rule stays
    path = root / "config/policies/tolerances.yaml"
    path.write_text(path.read_text() + "  - {rule: freight, supplier: S1020}\n  - {rule: freight, department: M-ORR}\n")
    exceptions = root / "config/policies/exceptions.yaml"
    exceptions.write_text(
        exceptions.read_text().replace("rules:\n", "rules:\n  - {types: [tax_*], department: M-ORR, owner: buyer}\n", 1)
    )

    told = [(one.text, one.suggestion) for one in found(root, known) if one.code == "C141"]

    assert ("no supplier 'S1020' is named anywhere else in the site", "did you mean 'S1002'?") in told
    assert sum("department 'M-ORR'" in text for text, _ in told) == 2


def routes(root: Path, text: str) -> None:
    (root / "config" / "policies" / "approvals.yaml").write_text("routes:\n" + text)


def told(root: Path, known: Knowledge) -> list[tuple[int, str]]:
    return [(one.line, one.code) for one in found(root, known) if one.file.endswith("approvals.yaml")]


def test_a_gap_is_told_at_the_line_that_leaves_it_and_only_once(root: Path, known: Knowledge) -> None:
    routes(root, """  - {route: a, subjects: [order], up_to: 10}
  - {route: b, subjects: [order], above: 20}
  - {route: c, subjects: [order], facility: HARBOR-MAIN, up_to: 5}
""")  # fmt: skip
    assert told(root, known) == [(3, "C135")]


def test_a_wider_route_fills_the_gap_of_a_narrower_one(root: Path, known: Knowledge) -> None:
    routes(root, """  - {route: a, subjects: [order]}
  - {route: b, subjects: [order], facility: HARBOR-MAIN, up_to: 5}
  - {route: c, subjects: [order], facility: HARBOR-MAIN, above: 9, urgency: stat}
""")  # fmt: skip
    assert told(root, known) == []


def test_a_narrow_route_that_nothing_wider_completes_leaves_a_gap(root: Path, known: Knowledge) -> None:
    routes(root, "  - {route: a, subjects: [order], facility: HARBOR-MAIN, up_to: 5}\n")

    assert told(root, known) == [(2, "C135")]


def test_a_route_that_shares_one_subject_only_overlaps_for_that(root: Path, known: Knowledge) -> None:
    routes(root, """  - {route: a, subjects: [order, invoice]}
  - {route: b, subjects: [invoice, payment]}
""")  # fmt: skip
    assert told(root, known) == [(3, "C133")]
