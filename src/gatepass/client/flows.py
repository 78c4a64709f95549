"""What has to happen between an operation and its answer. No I/O: see `effects`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from gatepass.client.address import is_same
from gatepass.client.effects import Answer, Do, Flow, Need, Pause, Request, Send
from gatepass.client.errors import ClientError, ServerUnreachable, SignInRefused, SignInRequired
from gatepass.client.exchange import PassingRefusal, refresh, sign_in
from gatepass.client.refusal import Refusal, refusal
from gatepass.client.session import Session
from gatepass.client.stored import ProcessLock, StoredSignIn, StoreError, warn
from gatepass.client.tokens import Held, held_from_store

_LOCK_PAUSE_SECONDS: Final = 0.02
_LOCK_PATIENCE_SECONDS: Final = 150.0
_NO_ANSWER: Final = (ServerUnreachable, PassingRefusal)


def operation(
    session: Session, request: Request, *, is_query: Callable[[], bool], is_repeatable: bool = True
) -> Flow[Answer]:
    """
    Send an operation with an access token; once more with a new one, if the server refused the token; and once more yet
    if that one was only new to us.

    Args:
        is_query: asked only where the server may have run a part of it.
        is_repeatable: false for a body that can be read only once.

    Raises:
        SignInRequired: there is no way to get a token.
        ServerUnreachable: no answer; it is not asked again, since it may have run.
    """
    begun = session.clocks.monotonic()
    held: Held = yield Need()
    answer: Answer = yield Send(with_bearer(request, held.access))
    for is_last in (False, True):
        refused = refusal(answer)
        if refused is None or not is_worth_renewing(session, held.access, refused):
            break
        renewed = yield from renewed_after(held.access, refused)
        if renewed is None or not is_repeatable or not (refused.is_before_running or is_query()):
            break
        answer = yield Send(with_bearer(request, renewed.access))
        held = renewed
        # What another process had renewed before all this may have ended with ours: then it is renewed now.
        if is_last or not renewed.is_from_before(begun):
            settle(session, renewed.access, answer)
            break
    return answer


def renewed_after(access: str, refused: Refusal) -> Flow[Held | None]:
    """
    Another token after a refusal; None where only the server's own words can say what is wrong.

    Raises:
        SignInRequired: there is none to be had.
    """
    try:
        renewed: Held = yield Need(refused=access)
    except SignInRequired as error:
        # A refusal in doubt ("you may not do that") of a token that cannot be renewed anyway: the server knows better.
        if not refused.is_certain and isinstance(error, FixedTokenRefused):
            return None
        raise
    return renewed


def is_worth_renewing(session: Session, access: str, refused: Refusal) -> bool:
    """Not when a renewal did not help against the same a moment ago: then it means "you may not do that"."""
    return refused.is_certain or not session.is_renewed_in_vain(access)


def settle(session: Session, access: str, answer: Answer) -> None:
    """Remember that a new token was refused at once."""
    if refusal(answer) is not None:
        session.note_renewed_in_vain(access)


def with_bearer(request: Request, access: str) -> Request:
    """The request with the access token (RFC 6750 §2.1)."""
    headers = {**request.headers, "Authorization": f"Bearer {access}"}
    # Not `replace`, which takes ten times as long, for every call.
    return Request(request.url, request.content, headers, request.method, request.fields, request.files)


class FixedTokenRefused(SignInRequired):
    """The token was given as it is, so there is nothing to renew it with."""


def renewal(session: Session, need: Need) -> Flow[Held]:
    """
    Have a token in hand that meets the need: from the store, with the refresh token, or with the password.

    Only one of a process's threads and tasks may be in here at a time (`Session.boarded`); the others of the machine
    are kept out by the store's lock, and what they did meanwhile is read after it was taken.

    Raises:
        SignInRequired: none of these is there, or the server refused them.
        ServerUnreachable: no answer, and no token that lives still.
    """
    if session.source.token is not None:
        raise _fixed_token_refused(session)
    if not session.source.is_kept:
        return (yield from _renewed_or_held(session, need))
    try:
        lock = yield from _locked(session)
    except StoreError:
        # A folder that can only be read, as of a container: what is kept there is good until it ends.
        yield from _read(session)
        if (found := session.usable(need)) is None:
            raise
        return found
    try:
        kept = yield from _read(session)
        found = session.usable(need)
        if found is not None:
            return found
        before = session.held
        held = yield from _renewed_or_held(session, need)
        if held is not before:
            yield from _written(session, held, kept)
        return held
    finally:
        lock.release()


def new_sign_in(session: Session, username: str, password: str) -> Flow[Held]:
    """
    Sign in with these, whatever is in hand, and keep it if there is a store.

    Raises:
        SignInRefused: they are wrong; what was in hand still is.
    """
    held = yield from sign_in(session.endpoint, username, password, before=(yield from _before(session, username)))
    session.username = username
    return (yield from keep(session, held))


def _before(session: Session, username: str) -> Flow[Held | None]:
    """What this user had here, in hand or in the store. Another one's device hint is not theirs to show."""
    if session.held is not None and session.username == username:
        return session.held
    source = session.source
    if not source.is_kept:
        return None
    kept: StoredSignIn | None = yield Do(partial(source.store.load, source.profile or ""))
    if kept is None or not is_same(kept.url, source.url) or kept.username != username:
        return None
    return held_from_store(kept, now=session.clocks.monotonic(), wall=session.clocks.wall())


def keep(session: Session, held: Held) -> Flow[Held]:
    """Have new tokens in hand and in the store."""
    if not session.source.is_kept:
        return session.take(held)
    lock = yield from _locked(session)
    try:
        # Not before: a renewal under way would put its own in the place.
        session.take(held)
        yield Do(partial(session.source.store.save, session.to_keep(held)))
    finally:
        lock.release()
    return held


def forget(session: Session) -> Flow[None]:
    """Have nothing in hand, and nothing in the store."""
    session.forget()
    if not session.source.is_kept:
        return
    lock = yield from _locked(session)
    try:
        yield Do(partial(session.source.store.delete, session.source.profile or ""))
    finally:
        lock.release()


def _renewed_or_held(session: Session, need: Need) -> Flow[Held]:
    """A token in hand that lives still is good enough where its renewal gets no answer."""
    try:
        return (yield from _renewed(session))
    except _NO_ANSWER:
        held = session.held
        is_alive = held is not None and held.access and held.is_alive(session.clocks.monotonic())
        if held is None or not is_alive or need.refused is not None or need.min_ttl_seconds:
            raise
        session.postpone()
        return held


def _renewed(session: Session) -> Flow[Held]:
    held, source = session.held, session.source
    if held is not None and held.refresh is not None and held.refresh != session.dead_refresh:
        try:
            renewed = yield from refresh(session.endpoint, held)
        except SignInRefused:
            session.dead_refresh = held.refresh
        else:
            # A server that gives no new refresh token lets the old one live (RFC 6749 §6).
            return session.take(renewed if renewed.refresh is not None else replace(renewed, refresh=held.refresh))
    if source.username is None or source.password is None:
        raise _nothing_left(session)
    if session.refused is not None:
        raise session.refused.again()
    try:
        renewed = yield from sign_in(session.endpoint, source.username, source.password, before=held)
    except SignInRefused as error:
        # Remembered: asking over and over with a wrong password locks accounts.
        session.refused = _of_the_environment(error) if source.origin == "environment" else error
        raise session.refused from None
    return session.take(renewed)


def _of_the_environment(error: SignInRefused) -> SignInRefused:
    """Nobody is to look for the mistake in what is kept."""
    return SignInRefused(error.errors, request_id=error.request_id, hint="The user is that of GATEPASS_USERNAME.")


def _locked(session: Session) -> Flow[ProcessLock]:
    lock = session.process_lock()
    deadline = session.clocks.monotonic() + _LOCK_PATIENCE_SECONDS
    while not lock.try_acquire():
        if session.clocks.monotonic() > deadline:
            raise StoreError("Another process holds this sign-in and does not let go of it. Is one stopped?")
        yield Pause(_LOCK_PAUSE_SECONDS)
    return lock


def _read(session: Session) -> Flow[StoredSignIn | None]:
    """Have in hand what is kept. The address is compared: a token must not go to another server."""
    source = session.source
    kept: StoredSignIn | None = yield Do(partial(source.store.load, source.profile or ""))
    if kept is not None and kept == session.overtaken:
        return kept
    session.overtaken = None
    if kept is not None and session.is_ours(kept):
        session.adopt(kept)
    else:
        session.forget()
    return kept


def _written(session: Session, held: Held, kept: StoredSignIn | None) -> Flow[None]:
    """
    Renewed tokens go to the store. A full disk is no reason not to use them: what they replaced is spent.

    Args:
        kept: what is there now.
    """
    try:
        yield Do(partial(session.source.store.save, session.to_keep(held)))
    except StoreError as error:
        session.overtaken = kept
        warn(f"The renewed sign-in could not be kept, and lives as long as this process: {error}")
    else:
        session.overtaken = None


def _nothing_left(session: Session) -> ClientError:
    held = session.held
    if session.source.is_kept and session.source.origin == "environment" and held is None:
        return session.required(
            "GATEPASS_USERNAME is set without GATEPASS_PASSWORD or GATEPASS_PASSWORD_FILE, and no sign-in of that user "
            f"is kept for {session.source.url}."
        )
    if session.source.password is not None or held is None:
        return session.required(f"Nobody is signed in at {session.source.url}.")
    if held.refresh is None:
        return session.required(f"The access token for {session.source.url} has ended, and nothing renews it.")
    return session.required(f"The sign-in at {session.source.url} has ended.")


def _fixed_token_refused(session: Session) -> FixedTokenRefused:
    source = session.source
    is_set = source.origin == "environment"
    where, instead = ("of GATEPASS_TOKEN", "Set another one, or unset it.") if is_set else ("that was given", "")
    message = f"{source.url} does not take the access token {where} (any more), and it cannot be renewed. {instead}"
    return FixedTokenRefused(message.rstrip(), url=source.url)
