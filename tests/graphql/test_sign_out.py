"""signOut: end this sign-in, or all of the account's."""

from __future__ import annotations

import pytest

from tests.graphql.world import BEARER, SESSION, SIGN_OUT, Api


async def test_sign_out_ends_the_session_of_the_bearer(api: Api) -> None:
    """The bearer says which sign-in ends."""
    assert (await api.post(SIGN_OUT, headers=BEARER)).json == {"data": {"signOut": {"sessions": 1}}}
    assert api.deeds.calls[-1] == ("sign_out", str(SESSION.id), False)
    assert api.log == [("sign_out", "OK", 200)]


async def test_everywhere_ends_every_session_of_the_account(api: Api) -> None:
    """`everywhere: true`, as a literal or a variable."""
    literal = "mutation { signOut(everywhere: true) { sessions } }"
    variable = "mutation ($all: Boolean!) { signOut(everywhere: $all) { sessions } }"
    assert (await api.post(literal, headers=BEARER)).json["data"]["signOut"]["sessions"] == 3
    assert (await api.post(variable, {"all": True}, headers=BEARER)).json["data"]["signOut"]["sessions"] == 3


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, 'Bearer realm="gatepass"'),
        ({"authorization": "Bearer expired"}, 'Bearer realm="gatepass", error="invalid_token"'),
        ({"authorization": "Bearer: expired"}, 'Bearer realm="gatepass", error="invalid_token"'),
    ],
)
async def test_sign_out_needs_a_good_bearer(api: Api, headers: dict[str, str], challenge: str) -> None:
    """401 with a challenge, and nothing ends. RFC 6750 §3."""
    answer = await api.post(SIGN_OUT, headers=headers)
    assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")
    assert (answer.header("www-authenticate") or "").startswith(challenge)
    assert not [call for call in api.deeds.calls if call[0] == "sign_out"]


async def test_the_british_spelling_of_the_header_works(api: Api) -> None:
    """The specification writes "Authorisation". DESIGN §3."""
    answer = await api.post(SIGN_OUT, headers={"authorisation": BEARER["authorization"]})
    assert answer.json["data"]["signOut"]["sessions"] == 1
