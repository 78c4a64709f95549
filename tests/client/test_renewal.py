"""When a token is renewed, what is sent again after a refusal, and what a client says when nothing is left."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from gatepass.client import Client, GraphQLErrors, ServerUnreachable, SignInRefused, SignInRequired
from gatepass.client.file_store import state_folder
from gatepass.client.stored import StoreError, open_store
from tests.client.conftest import RENAME, Clock, stored, with_password
from tests.kit.driven import answer, error_body
from tests.kit.memory_store import MemoryStore
from tests.kit.plain_server import EMAIL
from tests.kit.rough_network import ADDRESS, Fault, RoughNetwork


def test_the_first_call_signs_in_and_the_next_ones_do_not(network: RoughNetwork, clock: Clock) -> None:
    """One request each from then on."""
    api = with_password(network, clock)
    assert network.requests == 0
    assert [api("{ me }") for _ in range(3)] == [{"me": EMAIL}] * 3
    assert network.server.counts["signIn"] == 1


@pytest.mark.parametrize(("seconds", "refreshes"), [(3539, 0), (3541, 1), (3599, 1), (9999, 1)])
def test_a_token_is_renewed_a_minute_before_it_ends(
    network: RoughNetwork, clock: Clock, seconds: float, refreshes: int
) -> None:
    """Before it is refused: the request is sent once."""
    api = with_password(network, clock)
    api("{ me }")
    clock.now += seconds
    api("{ me }")
    assert network.server.counts["signInRefresh"] == refreshes
    assert network.server.counts["refused"] == 0


def test_a_token_that_should_live_longer_is_renewed_sooner(network: RoughNetwork, clock: Clock) -> None:
    """`min_ttl`."""
    api = with_password(network, clock)
    first = api.token()
    clock.now += 3300
    assert api.token(timedelta(minutes=4)) == first
    assert api.token(timedelta(minutes=10)) != first


@pytest.mark.parametrize("status", [200, 401, 403])
@pytest.mark.parametrize("has_error_codes", [True, False])
def test_a_refused_token_is_renewed_and_the_operation_sent_again(
    network: RoughNetwork, clock: Clock, status: Any, has_error_codes: bool
) -> None:
    """A mutation, too: what was refused before it ran, did not run."""
    network.server.expired, network.server.has_error_codes = status, has_error_codes
    api = with_password(network, clock)
    api.token()
    network.faults = [Fault.EXPIRED]
    assert api(RENAME, {"name": "New"}) == {"rename": {"company_name": "New"}}
    assert network.renamed == {"New": 1}
    assert network.server.counts["signInRefresh"] == 1


def test_it_is_sent_again_once_only(network: RoughNetwork, clock: Clock) -> None:
    """The second refusal is the answer."""
    api = with_password(network, clock)
    api.token()
    network.faults, network.requests = [Fault.EXPIRED, Fault.NONE, Fault.EXPIRED], 0
    with pytest.raises(GraphQLErrors) as raised:
        api("{ me }")
    assert raised.value.code == "AUTH_NOT_AUTHENTICATED"
    assert network.requests == 3


class Scripted(httpx2.BaseTransport):
    """Signs everybody in, and gives the next of its answers to anything else."""

    def __init__(self, *answers: Any) -> None:
        self.left = list(answers)
        self.renewals = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        name = "signInRefresh" if b"signInRefresh" in request.content else "signIn"
        if name.encode() in request.content:
            self.renewals += 1
            pair = {"accessToken": f"a{self.renewals}", "refreshToken": f"r{self.renewals}", "expiresIn": 3600}
            return httpx2.Response(200, json={"data": {name: pair}})
        given = self.left.pop(0)
        return httpx2.Response(given.status, content=given.content, headers=dict(given.headers))


def scripted(*answers: Any) -> tuple[Client, Scripted]:
    transport = Scripted(*answers)
    return Client(ADDRESS, username="ada", password="x", transport=transport), transport


HALF = answer(error_body("No.", "UNAUTHENTICATED", data={"a": 1, "b": None}))
DONE = answer({"data": {"me": "ada"}})


def test_a_query_of_which_a_part_has_run_is_sent_again() -> None:
    """It changes nothing."""
    api, transport = scripted(HALF, DONE)
    assert api("{ me }") == {"me": "ada"}
    assert transport.renewals == 2


def test_a_mutation_of_which_a_part_may_have_run_is_not() -> None:
    """Its answer is what there is; the token is renewed for the next call."""
    api, transport = scripted(HALF, DONE)
    with pytest.raises(GraphQLErrors) as raised:
        api("mutation { me }")
    assert raised.value.data == {"a": 1, "b": None}
    assert (transport.renewals, transport.left) == (2, [DONE])


def test_you_may_not_do_that_costs_one_renewal_and_not_one_for_each_call() -> None:
    """A server without codes says the same for both; after a minute it may have been mended."""
    no = answer(error_body("You are not authorized."), 403)
    api, transport = scripted(no, no, no, no, no, no)
    clock = Clock()
    api.session.clocks = clock.clocks
    for _ in range(3):
        with pytest.raises(GraphQLErrors):
            api("{ secret }")
    assert (transport.renewals, len(transport.left)) == (2, 2)
    clock.now += 61
    with pytest.raises(GraphQLErrors):
        api("{ secret }")
    assert transport.renewals == 3


def test_a_forbidden_operation_costs_no_renewal() -> None:
    """Its code says so."""
    api, transport = scripted(answer(error_body("No.", "FORBIDDEN"), 403))
    with pytest.raises(GraphQLErrors) as raised:
        api("{ secret }")
    assert (raised.value.code, transport.renewals) == ("FORBIDDEN", 1)


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.ANSWER_LOST, Fault.UNAVAILABLE])
def test_an_operation_without_an_answer_is_not_sent_again(network: RoughNetwork, clock: Clock, fault: Fault) -> None:
    """It may have run."""
    api = with_password(network, clock)
    api.token()
    network.faults = [fault]
    with pytest.raises(ServerUnreachable) as raised:
        api(RENAME, {"name": "New"})
    assert raised.value.may_have_run
    assert network.renamed["New"] == (fault is Fault.ANSWER_LOST)


def test_what_never_left_cannot_have_run(network: RoughNetwork, clock: Clock) -> None:
    """So whoever called may send it again."""
    network.faults = [Fault.REFUSED]
    with pytest.raises(ServerUnreachable) as raised:
        with_password(network, clock)("{ me }")
    assert not raised.value.may_have_run


def test_a_renewal_without_an_answer_does_not_stop_a_token_that_lives(network: RoughNetwork, clock: Clock) -> None:
    """It is tried again a little later, not at every call; when the token has ended the error is told."""
    api = with_password(network, clock)
    first = api.token()
    clock.now += 3550
    network.faults = [Fault.UNAVAILABLE] * 3
    assert api.token() == first
    assert api.token() == first
    assert not network.faults
    network.faults = [Fault.UNAVAILABLE] * 3
    clock.now += 60
    with pytest.raises(ServerUnreachable):
        api.token()
    assert api.token() != first
    assert network.server.counts["reused"] == 0


def test_a_password_signs_in_again_when_the_sign_in_has_ended(network: RoughNetwork, clock: Clock) -> None:
    """The server may end it at any time."""
    api = with_password(network, clock)
    api("{ me }")
    network.server.end_every_session()
    assert api("{ me }") == {"me": EMAIL}
    assert network.server.counts["signIn"] == 2


def test_a_wrong_password_is_asked_once(network: RoughNetwork, clock: Clock) -> None:
    """Asking over and over locks accounts."""
    network.server.password = "another"
    api = with_password(network, clock)
    errors = []
    for _ in range(3):
        with pytest.raises(SignInRefused) as raised:
            api("{ me }")
        errors.append(raised.value)
    # Once with `expiresIn`, which this server does not have, and once without.
    assert network.requests == 2
    assert len(set(map(id, errors))) == 3


def test_a_dead_sign_in_says_what_to_run(network: RoughNetwork, clock: Clock, store: MemoryStore) -> None:
    """And is not asked for again."""
    api = stored(network, clock, store)
    network.server.end_every_session()
    for _ in range(2):
        with pytest.raises(SignInRequired) as raised:
            api("{ me }")
        assert raised.value.command == f"gatepass login --profile plain {ADDRESS}"
        assert raised.value.command in str(raised.value)
        assert raised.value.code == "SIGN_IN_REQUIRED"
    before = network.requests
    clock.now += 9999
    with pytest.raises(SignInRequired):
        api("{ me }")
    assert network.requests == before


def test_a_given_token_is_used_as_it_is_and_never_renewed(network: RoughNetwork, clock: Clock) -> None:
    """There is nothing to renew it with."""
    token = with_password(network, clock).token()
    api = Client(ADDRESS, token=token, transport=network.blocking())
    assert api("{ me }") == {"me": EMAIL}
    assert api.token() == token
    network.server.end_every_session()
    with pytest.raises(SignInRequired, match="cannot be renewed"):
        api("{ me }")
    assert network.server.counts["signInRefresh"] == 0


def test_a_given_token_that_may_not_do_something_is_told_so() -> None:
    """In doubt the server's own words say more than ours."""
    transport = Scripted(answer(error_body("You are not authorized to do that."), 403))
    with pytest.raises(GraphQLErrors, match="not authorized to do that"):
        Client(ADDRESS, token="x", transport=transport)("{ secret }")


def test_a_renewed_sign_in_that_cannot_be_kept_is_used_nevertheless(
    network: RoughNetwork, clock: Clock, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    """On a full disk: what is kept is spent, and must not be sent again by who knows better."""
    api = stored(network, clock, store)
    store.is_full = True
    for _ in range(2):
        clock.now += 3600
        assert api("{ me }") == {"me": EMAIL}
    assert "could not be kept" in caplog.text
    store.is_full = False
    clock.now += 3600
    assert api("{ me }") == {"me": EMAIL}
    assert network.server.counts["reused"] == 0
    another = stored(network, clock, store)
    clock.now += 3600
    assert another("{ me }") == {"me": EMAIL}


def test_a_kept_sign_in_that_can_only_be_read_is_used_until_it_ends(network: RoughNetwork, clock: Clock) -> None:
    """A container's folder, say. It is not renewed: nobody could keep what comes, and what is kept would be spent."""
    files = open_store()
    before = stored(network, clock, files).token()
    (locked,) = state_folder(os.environ).glob("*.lock")
    locked.unlink()
    locked.mkdir()
    clock.now += 3000
    api = stored(network, clock, files)
    assert (api("{ me }"), api.token()) == ({"me": EMAIL}, before)
    clock.now += 3600
    with pytest.raises(StoreError, match="cannot be opened"):
        api("{ me }")
    assert network.server.counts["signInRefresh"] == 0


def test_what_another_process_renewed_is_read_before_renewing(
    network: RoughNetwork, clock: Clock, store: MemoryStore
) -> None:
    """And after a refusal, too."""
    one, other = stored(network, clock, store), stored(network, clock, store)
    assert one.token() == other.token()
    clock.now += 3600
    assert one.token() == other.token()
    network.server.expire_access_tokens()
    assert one("{ me }") == other("{ me }") == {"me": EMAIL}
    assert network.server.counts["signInRefresh"] == 2


def test_what_another_process_renewed_and_has_ended_too_is_renewed(
    network: RoughNetwork, clock: Clock, store: MemoryStore
) -> None:
    """A server that lost all access tokens: ours, and the one that is kept. The call works nevertheless."""
    one, other = stored(network, clock, store), stored(network, clock, store)
    one("{ me }")
    for refreshes in (1, 2):
        clock.now += 100
        network.server.expire_access_tokens()
        assert (other if refreshes == 1 else one)("{ me }") == {"me": EMAIL}
        assert network.server.counts["signInRefresh"] == refreshes
    assert (network.server.counts["reused"], network.server.counts["signIn"]) == (0, 1)


def test_a_sign_in_that_was_forgotten_elsewhere_is_used_until_it_ends(
    network: RoughNetwork, clock: Clock, store: MemoryStore
) -> None:
    """Then there is nothing to renew it with."""
    api = stored(network, clock, store)
    store.delete("plain")
    assert api("{ me }") == {"me": EMAIL}
    clock.now += 3600
    with pytest.raises(SignInRequired, match="Nobody is signed in"):
        api("{ me }")


def test_signing_out_where_the_server_knows_none_forgets_here(
    network: RoughNetwork, clock: Clock, store: MemoryStore
) -> None:
    """It says that the server did not."""
    api = stored(network, clock, store)
    assert api.sign_out() is False
    assert store.kept == {}
    with pytest.raises(SignInRequired):
        api.token()


@pytest.mark.parametrize("is_renewable", [True, False])
def test_signing_out_with_a_token_that_is_refused(
    network: RoughNetwork, clock: Clock, store: MemoryStore, *, is_renewable: bool
) -> None:
    """It is renewed, else the sign-in would live on; or all has ended already, by another shell say."""
    stored(network, clock, store)
    ended: list[str] = []

    def signing_out(request: httpx2.Request) -> httpx2.Response:
        if b"signInRefresh" in request.content:
            new = {"accessToken": "new", "refreshToken": "next", "expiresIn": 3600}
            refused = error_body("No good.", "INVALID_REFRESH_TOKEN")
            return httpx2.Response(200, json={"data": {"signInRefresh": new}} if is_renewable else refused)
        if request.headers["Authorization"] != "Bearer new":
            return httpx2.Response(401, json=error_body("It has expired.", "UNAUTHENTICATED"))
        ended.append("new")
        return httpx2.Response(200, json={"data": {"signOut": {"sessions": 1}}})

    api = Client(ADDRESS, profile="plain", store=store, transport=httpx2.MockTransport(signing_out))
    api.session.clocks = clock.clocks
    assert api.sign_out() is True
    assert ended == (["new"] if is_renewable else [])
    assert store.kept == {}


def test_a_sign_in_that_cannot_be_forgotten_is_told_with_what_the_server_knows(
    network: RoughNetwork, clock: Clock, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that can only be read. The server here knows signOut."""
    stored(network, clock, store)

    def read_only(_profile: str) -> None:
        raise StoreError("Read-only file system.")

    monkeypatch.setattr(store, "delete", read_only)
    ended = httpx2.MockTransport(lambda _: httpx2.Response(200, json={"data": {"signOut": {"sessions": 1}}}))
    api = Client(ADDRESS, profile="plain", store=store, transport=ended)
    api.session.clocks = clock.clocks
    with pytest.raises(StoreError, match=r"^The sign-in has ended at the server, and is kept here still: Read-only"):
        api.sign_out()


def test_signing_in_as_somebody_else_wins_over_what_was_in_hand(
    network: RoughNetwork, clock: Clock, store: MemoryStore
) -> None:
    """And is what is kept; a wrong password leaves the old one."""
    api = stored(network, clock, store)
    before = api.token()
    with pytest.raises(SignInRefused):
        api.sign_in("bob@example.org", "wrong")
    assert api.token() == before
    network.server.email = "bob@example.org"
    api.sign_in("bob@example.org", network.server.password)
    assert api.token() != before
    assert store.kept["plain"].username == "bob@example.org"
