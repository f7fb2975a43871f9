"""People, passwords, sessions and one-time links, over both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, create_engine, select

from engine.core.errors import AccountError, LinkError, LockedOutError, PasswordPolicyError, SignInError
from engine.ports.accounts import IDLE_LIMIT, LINK_LIMIT, LOCKOUT_FAILURES, LOCKOUT_TIME, SESSION_LIMIT, Role
from engine.store.accounts import SqlAccounts
from engine.store.accounts_schema import metadata
from engine.store.passwords import make_hasher
from tests.support.people import CHEAP, PASSWORD, enrol

OTHER = "another vessel at the pier"


class SetClock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 8, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def pass_by(self, time: timedelta) -> None:
        self.at += time


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def engine(store_url: str) -> Engine:
    return create_engine(store_url.replace("postgresql://", "postgresql+psycopg://"))


@pytest.fixture
def accounts(engine: Engine, clock: SetClock) -> Iterator[SqlAccounts]:
    made = SqlAccounts(engine, clock, CHEAP)
    yield made
    made.close()


async def _fail(accounts: SqlAccounts, name: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(SignInError):
            await accounts.sign_in(name, "wrong password entirely")


# ------------------------------------------------------------------ the first administrator
async def test_there_is_no_account_before_the_first_link_is_used(accounts: SqlAccounts) -> None:
    assert await accounts.users() == []
    for name, password in (("admin", "admin"), ("admin", ""), ("", ""), ("root", "isthmus")):
        with pytest.raises(SignInError):
            await accounts.sign_in(name, password)


async def test_the_first_link_makes_an_administrator_once(accounts: SqlAccounts) -> None:
    token = await accounts.first_admin_link()
    assert token is not None

    assert (await accounts.redeem(token, "Maria.Lind", PASSWORD)).role is Role.ADMIN
    assert (await accounts.sign_in("maria.lind", PASSWORD))[1].user.name == "maria.lind"
    with pytest.raises(LinkError):
        await accounts.redeem(token, "second", PASSWORD)
    assert await accounts.first_admin_link() is None


async def test_one_first_link_used_twice_at_once_makes_one_account(accounts: SqlAccounts) -> None:
    token = await accounts.first_admin_link()
    assert token is not None
    tries = [accounts.redeem(token, f"person{n}", PASSWORD) for n in range(5)]

    results = await asyncio.gather(*tries, return_exceptions=True)

    assert sum(not isinstance(r, Exception) for r in results) == 1
    assert len(await accounts.users()) == 1


async def test_a_new_first_link_replaces_the_one_before(accounts: SqlAccounts) -> None:
    old, new = await accounts.first_admin_link(), await accounts.first_admin_link()
    assert old is not None
    assert new is not None

    assert await accounts.link(old) is None
    assert await accounts.link(new) is not None


async def test_a_link_expires_after_a_day(accounts: SqlAccounts, clock: SetClock) -> None:
    token = await accounts.first_admin_link()
    assert token is not None
    clock.pass_by(LINK_LIMIT - timedelta(seconds=1))
    assert await accounts.link(token) is not None

    clock.pass_by(timedelta(seconds=1))

    with pytest.raises(LinkError):
        await accounts.redeem(token, "maria", PASSWORD)


async def test_a_weak_password_leaves_the_link_good(accounts: SqlAccounts) -> None:
    token = await accounts.first_admin_link()
    assert token is not None

    with pytest.raises(PasswordPolicyError):
        await accounts.redeem(token, "maria", "short")

    assert await accounts.redeem(token, "maria", PASSWORD)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "elevenchars",
        "x" * 257,
        "aaaaaaaaaaaa",
        "abababababab",
        "passwordpassword",
        "isthmus-isthmus",
        "maria.lind123",
    ],
)
async def test_passwords_that_are_easily_guessed_are_refused(accounts: SqlAccounts, password: str) -> None:
    token = await accounts.first_admin_link()
    assert token is not None

    with pytest.raises(PasswordPolicyError):
        await accounts.redeem(token, "maria.lind", password)


async def test_nothing_secret_is_stored_in_clear(accounts: SqlAccounts, engine: Engine) -> None:
    session = await enrol(accounts, "maria", Role.ADMIN)
    link = await accounts.invite("tom", Role.VIEWER)

    with engine.connect() as db:
        dump = str([db.execute(select(table)).all() for table in metadata.sorted_tables])

    assert "$argon2id$" in dump
    assert PASSWORD not in dump
    assert session not in dump
    assert link not in dump


def test_passwords_are_digested_with_argon2id_above_the_recommended_cost() -> None:
    digest = make_hasher().hash(PASSWORD)

    assert digest.startswith("$argon2id$v=19$m=32768,t=3,p=1$")


# ------------------------------------------------------------------ lockout
async def test_ten_failures_in_a_row_lock_also_the_right_password_out(accounts: SqlAccounts, clock: SetClock) -> None:
    await enrol(accounts, "maria", Role.ADMIN)
    await _fail(accounts, "maria", LOCKOUT_FAILURES)

    with pytest.raises(LockedOutError):
        await accounts.sign_in("maria", PASSWORD)

    clock.pass_by(LOCKOUT_TIME)
    assert await accounts.sign_in("maria", PASSWORD)


async def test_nine_failures_do_not_lock_and_success_starts_over(accounts: SqlAccounts) -> None:
    await enrol(accounts, "maria", Role.ADMIN)
    for _ in range(3):
        await _fail(accounts, "maria", LOCKOUT_FAILURES - 1)
        assert await accounts.sign_in("maria", PASSWORD)


async def test_many_attempts_at_once_do_not_slip_under_the_lockout(accounts: SqlAccounts) -> None:
    await enrol(accounts, "maria", Role.ADMIN)

    results = await asyncio.gather(
        *(accounts.sign_in("maria", f"guess {n}") for n in range(40)), return_exceptions=True
    )

    assert sum(isinstance(r, LockedOutError) for r in results) == 40 - LOCKOUT_FAILURES


async def test_two_nodes_count_failures_together(accounts: SqlAccounts, engine: Engine, clock: SetClock) -> None:
    await enrol(accounts, "maria", Role.ADMIN)
    other = SqlAccounts(create_engine(engine.url), clock, CHEAP)
    tries = [node.sign_in("maria", f"guess {n}") for n in range(10) for node in (accounts, other)]

    results = await asyncio.gather(*tries, return_exceptions=True)
    other.close()

    assert sum(isinstance(r, LockedOutError) for r in results) == 20 - LOCKOUT_FAILURES


async def test_a_name_of_nobody_behaves_like_a_real_one(accounts: SqlAccounts) -> None:
    await enrol(accounts, "maria", Role.ADMIN)
    await _fail(accounts, "nobody", LOCKOUT_FAILURES)

    with pytest.raises(LockedOutError):
        await accounts.sign_in("nobody", PASSWORD)


async def test_one_persons_lockout_is_not_anothers(accounts: SqlAccounts) -> None:
    await enrol(accounts, "maria", Role.ADMIN)
    await enrol(accounts, "tom", Role.VIEWER)
    await _fail(accounts, "maria", LOCKOUT_FAILURES)

    assert await accounts.sign_in("tom", PASSWORD)


async def test_an_administrator_sees_and_ends_a_lockout(accounts: SqlAccounts) -> None:
    await enrol(accounts, "maria", Role.ADMIN)
    await _fail(accounts, "maria", LOCKOUT_FAILURES)
    assert (await accounts.users())[0].locked_until is not None

    await accounts.unlock("maria")

    assert await accounts.sign_in("maria", PASSWORD)


# ------------------------------------------------------------------ sessions
async def test_an_idle_session_ends_after_fifteen_minutes(accounts: SqlAccounts, clock: SetClock) -> None:
    token = await enrol(accounts, "maria", Role.ADMIN)
    clock.pass_by(IDLE_LIMIT)

    assert await accounts.session(token) is None


async def test_use_keeps_a_session_alive_but_refreshing_pages_do_not(accounts: SqlAccounts, clock: SetClock) -> None:
    used = await enrol(accounts, "maria", Role.ADMIN)
    watched = (await accounts.sign_in("maria", PASSWORD))[0]
    for _ in range(4):
        clock.pass_by(timedelta(minutes=5))
        assert await accounts.session(used)
        await accounts.session(watched, touch=False)

    assert await accounts.session(used)
    assert await accounts.session(watched, touch=False) is None


async def test_no_session_outlives_twelve_hours(accounts: SqlAccounts, clock: SetClock) -> None:
    token = await enrol(accounts, "maria", Role.ADMIN)
    began = clock.at
    while await accounts.session(token):
        clock.pass_by(timedelta(minutes=10))

    assert clock.at - began == SESSION_LIMIT


async def test_signing_out_ends_the_session(accounts: SqlAccounts) -> None:
    token = await enrol(accounts, "maria", Role.ADMIN)

    await accounts.sign_out(token)

    assert await accounts.session(token) is None


async def test_a_new_password_ends_every_session(accounts: SqlAccounts) -> None:
    token = await enrol(accounts, "maria", Role.ADMIN)

    await accounts.change_password("maria", PASSWORD, OTHER)

    assert await accounts.session(token) is None
    assert await accounts.sign_in("maria", OTHER)
    await _fail(accounts, "maria", 1)


async def test_a_new_password_needs_the_current_one(accounts: SqlAccounts) -> None:
    await enrol(accounts, "maria", Role.ADMIN)

    with pytest.raises(SignInError):
        await accounts.change_password("maria", OTHER, OTHER)

    assert await accounts.sign_in("maria", PASSWORD)


# ------------------------------------------------------------------ people
async def test_a_changed_role_holds_at_once_in_open_sessions(accounts: SqlAccounts) -> None:
    await enrol(accounts, "maria", Role.ADMIN)
    token = await enrol(accounts, "tom", Role.OPERATOR)

    await accounts.change_user("tom", Role.VIEWER, ["HARBOR-MAIN"], True)

    session = await accounts.session(token)
    assert session is not None
    assert (session.user.role, session.user.facilities) == (Role.VIEWER, ("HARBOR-MAIN",))


async def test_a_deactivated_person_is_out_at_once(accounts: SqlAccounts) -> None:
    await enrol(accounts, "maria", Role.ADMIN)
    token = await enrol(accounts, "tom", Role.OPERATOR)

    await accounts.change_user("tom", Role.OPERATOR, [], False)

    assert await accounts.session(token) is None
    await _fail(accounts, "tom", 1)
    with pytest.raises(SignInError):
        await accounts.sign_in("tom", PASSWORD)


async def test_the_last_administrator_stays(accounts: SqlAccounts) -> None:
    await enrol(accounts, "maria", Role.ADMIN)

    for change in (
        accounts.change_user("maria", Role.VIEWER, [], True),
        accounts.change_user("maria", Role.ADMIN, [], False),
        accounts.invite("maria", Role.ADMIN),
    ):
        with pytest.raises(AccountError):
            await change


async def test_an_invitation_is_for_its_own_name(accounts: SqlAccounts) -> None:
    await enrol(accounts, "maria", Role.ADMIN)
    token = await accounts.invite("tom", Role.VIEWER)

    with pytest.raises(AccountError):
        await accounts.redeem(token, "maria", OTHER)

    assert await accounts.sign_in("maria", PASSWORD)


async def test_a_reset_takes_the_old_password_and_its_sessions(accounts: SqlAccounts) -> None:
    await enrol(accounts, "maria", Role.ADMIN)
    token = await enrol(accounts, "tom", Role.VIEWER)

    await accounts.invite("tom", Role.OPERATOR)

    assert await accounts.session(token) is None
    await _fail(accounts, "tom", 1)
    with pytest.raises(SignInError):
        await accounts.sign_in("tom", PASSWORD)


@pytest.mark.parametrize("name", ["", "a", "1st", "a b", "os:root", "a/b", "x" * 65, "näme"])
async def test_names_that_could_be_mistaken_are_refused(accounts: SqlAccounts, name: str) -> None:
    with pytest.raises(AccountError):
        await accounts.invite(name, Role.VIEWER)
