"""
What other tools of OAuth 2 ask: tokens, revocation, introspection, metadata, and forward-auth.

Owns: the endpoints of RFC 6749, 7009, 7662 and 8414, their parameters and errors, and `/authz` for proxies.
Does not know: GraphQL, the upstream, stores, how tokens are signed. It is another door to the same use cases.
Called by: app. Imports: http, usecases, domain.
"""
