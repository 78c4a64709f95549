"""How a client says which one it is: in the header `Authorization`, or in the form; never in two ways at once."""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import unquote_plus

from gatepass.domain.errors import ClientRefused
from gatepass.domain.secret import Secret
from gatepass.http.messages import Request
from gatepass.oauth.errors import InvalidRequest
from gatepass.oauth.form import Parameters
from gatepass.usecases.authenticate_client import AssertionProof, NoProof, Proof, SecretProof

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_MAX_HEADER_BYTES: Final = 2048


def client_proof(request: Request, form: Parameters) -> Proof:
    """
    What a client brings to prove who it is.

    Raises:
        ClientRefused: it says nothing, or in a form that cannot be read.
        InvalidRequest: it proves itself in two ways, or two ids stand there.

    Source: RFC 6749 §2.3 and §3.2.1, RFC 7523 §2.2.
    """
    header = request.header(b"authorization")
    ways = [header is not None, form.get("client_secret") is not None, form.get("client_assertion") is not None]
    if sum(ways) > 1:
        raise InvalidRequest("The client proves itself in more than one way: use one.")
    named = form.get("client_id")
    if header is not None:
        return _same(_basic(header), named)
    if form.get("client_assertion") is not None:
        if form.require("client_assertion_type") != ASSERTION_TYPE:
            raise InvalidRequest(f"client_assertion_type must be {ASSERTION_TYPE}.")
        return AssertionProof(form.secret("client_assertion"), named)
    if named is None:
        raise ClientRefused("Which client is this? Send client_id, and what proves it.")
    return SecretProof(named, form.secret("client_secret")) if form.get("client_secret") else NoProof(named)


def _basic(header: bytes) -> SecretProof | NoProof:
    """Id and secret, each form-encoded before they were put together (RFC 6749 §2.3.1)."""
    scheme, _, credentials = header.strip().partition(b" ")
    if scheme.lower() != b"basic" or len(header) > _MAX_HEADER_BYTES:
        raise ClientRefused("The header Authorization must read 'Basic', and the base64 of client_id:client_secret.")
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode("utf-8")
        client_id, colon, secret = (unquote_plus(part, errors="strict") for part in text.partition(":"))
    except (binascii.Error, ValueError):
        raise ClientRefused("The header Authorization is not the base64 of client_id:client_secret.") from None
    if not colon or not client_id:
        raise ClientRefused("The header Authorization is not the base64 of client_id:client_secret.")
    # An empty secret is none at all: so do libraries say "public client".
    return SecretProof(client_id, Secret(secret)) if secret else NoProof(client_id)


def _same(proof: SecretProof | NoProof, named: str | None) -> Proof:
    if named is not None and named != proof.client_id:
        raise InvalidRequest("client_id is not the one in the header Authorization.")
    return proof
