"""
For the API behind the gateway: checks `X-Gatepass-Assertion`, so that identity is verified and not believed.

    from gatepass.verify import VerifiedAsgi

    app = VerifiedAsgi(app, audience="http://api:4000", jwks="http://gatepass:8000/.well-known/jwks.json")

Owns: what an assertion must be, the public keys and when they are fetched, and one middleware each for ASGI and WSGI.
Does not know: how assertions are made, the gateway, access tokens, stores. It needs `cryptography` and nothing else of
the server: `pip install gatepass[verify]`.
Called by: APIs in Python. Imports: of crypto, gateway and http what reads and names things; domain.
"""

from gatepass.verify.asgi import VerifiedAsgi
from gatepass.verify.assertion import AssertionRefused, Verifier
from gatepass.verify.wsgi import VerifiedWsgi

__all__ = ["AssertionRefused", "VerifiedAsgi", "VerifiedWsgi", "Verifier"]
