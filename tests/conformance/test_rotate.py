"""What every store promises about rotation, with the domain's own judge. RFC 9700 §4.14.2."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gatepass.domain.identifiers import Generation, SessionId, uuid7
from gatepass.domain.rotation import Verdict
from gatepass.domain.session import Session, SessionLimits
from gatepass.usecases.ports import Replayed, Reused, Rotated, Store, Unknown
from tests.kit.store_world import LIMITS, MINUTE, NOW, SECOND, Person, announced, stored

STRICT = SessionLimits(replay_window=timedelta(0))
MICROSECOND = timedelta(microseconds=1)


async def test_the_current_token_moves_the_session_one_generation_on(ana: Person) -> None:
    session = await ana.signs_in()
    later = NOW + MINUTE + MICROSECOND
    outcome = await ana.refreshes(session, 0, later)
    assert outcome == Rotated(replace(session, generation=Generation(1), rotated_at=later))
    assert await stored(ana.store, session.id) == replace(session, generation=Generation(1), rotated_at=later)


async def test_a_hundred_refreshes_in_a_row_are_a_hundred_generations(ana: Person) -> None:
    session = await ana.signs_in()
    for generation in range(100):
        outcome = await ana.refreshes(session, generation, NOW + generation * SECOND)
        assert outcome == Rotated(
            replace(session, generation=Generation(generation + 1), rotated_at=NOW + generation * SECOND)
        )


async def test_the_judge_sees_the_row_as_it_stands_with_its_account(ana: Person) -> None:
    session = await ana.signs_in()
    await ana.refreshes(session, 0)
    await ana.store.accounts.set_enabled(ana.account.id, enabled=False, now=NOW)
    assert await stored(ana.store, session.id) == replace(
        session, generation=Generation(1), revoked_at=NOW, account=replace(ana.account, disabled_at=NOW)
    )


async def test_a_session_that_is_not_there_is_unknown_and_nobody_is_asked(store: Store) -> None:
    asked: list[Session] = []

    def judge(session: Session) -> Verdict:
        asked.append(session)
        return Verdict.ROTATE

    assert await store.sessions.rotate(SessionId(uuid7(NOW, bytes(10))), judge, NOW) == Unknown()
    assert asked == []


async def test_the_token_before_is_answered_again_within_the_window(ana: Person) -> None:
    """A lost reply or two tabs sign nobody out, and nothing is written for it."""
    session = await ana.signs_in()
    await ana.refreshes(session, 0)
    row = await stored(ana.store, session.id)
    assert row is not None
    assert await ana.refreshes(session, 0, NOW + LIMITS.replay_window) == Replayed(row)
    assert await stored(ana.store, session.id) == row
    assert await announced(ana.store) == set()


async def test_the_token_before_outside_the_window_ends_its_session_and_no_other(ana: Person) -> None:
    session, other = await ana.signs_in(), await ana.signs_in()
    await ana.refreshes(session, 0)
    late = NOW + LIMITS.replay_window + MICROSECOND
    ended = replace(session, generation=Generation(1), revoked_at=late)
    assert await ana.refreshes(session, 0, late) == Reused(ended)
    assert await stored(ana.store, session.id) == ended
    assert await announced(ana.store) == {session.id}
    assert await ana.refreshes(session, 1, late) == Unknown()
    assert await stored(ana.store, other.id) == other


async def test_a_token_two_generations_back_ends_its_session_even_within_the_window(ana: Person) -> None:
    session = await ana.signs_in()
    await ana.refreshes(session, 0)
    await ana.refreshes(session, 1)
    assert isinstance(await ana.refreshes(session, 0), Reused)
    assert await ana.refreshes(session, 2) == Unknown()


async def test_a_strict_window_answers_no_token_twice(ana: Person) -> None:
    session = await ana.signs_in()
    await ana.refreshes(session, 0, NOW, STRICT)
    assert isinstance(await ana.refreshes(session, 0, NOW, STRICT), Reused)
    assert await ana.refreshes(session, 1, NOW, STRICT) == Unknown()


async def refusal_writes_nothing(ana: Person, session: Session, generation: int, after: timedelta) -> None:
    before = await stored(ana.store, session.id)
    known = await announced(ana.store)
    assert await ana.refreshes(session, generation, NOW + after) == Unknown()
    assert await stored(ana.store, session.id) == before
    assert await announced(ana.store) == known


async def test_a_token_of_a_generation_to_come_is_refused(ana: Person) -> None:
    await refusal_writes_nothing(ana, await ana.signs_in(), 1, after=SECOND)


async def test_a_session_that_idled_too_long_is_refused(ana: Person) -> None:
    session = await ana.signs_in()
    await refusal_writes_nothing(ana, session, 0, after=LIMITS.idle)
    assert isinstance(await ana.refreshes(session, 0, NOW + LIMITS.idle - MICROSECOND), Rotated)


async def test_a_session_at_its_absolute_end_is_refused_however_busy_it_was(ana: Person) -> None:
    session = await ana.signs_in()
    step = timedelta(days=10)
    for generation in range(9):
        await ana.refreshes(session, generation, NOW + generation * step)
    await refusal_writes_nothing(ana, session, 9, after=LIMITS.absolute)
    assert isinstance(await ana.refreshes(session, 9, NOW + LIMITS.absolute - MICROSECOND), Rotated)
    row = await stored(ana.store, session.id)
    assert row is not None
    assert row.ends_at == session.ends_at


async def test_a_revoked_session_is_refused_and_its_spent_tokens_too(ana: Person) -> None:
    session = await ana.signs_in()
    await ana.refreshes(session, 0)
    await ana.store.sessions.revoke(session.id, NOW)
    for generation in (0, 1, 2):
        await refusal_writes_nothing(ana, session, generation, after=SECOND)


async def test_a_verdict_of_refusal_writes_nothing(ana: Person) -> None:
    session = await ana.signs_in()
    assert await ana.store.sessions.rotate(session.id, lambda _: Verdict.REFUSE, NOW + MINUTE) == Unknown()
    assert await stored(ana.store, session.id) == session
