"""
Hashing passwords, signing access tokens, sealing keys at rest.

Owns: every import of PyNaCl and joserfc, and of cryptography but for what `verify` checks with; the worker processes
that hash; the operator's secret key and what is sealed under it; the JSON Web Keys that others verify our tokens with.
Does not know: HTTP, GraphQL, SQL, accounts or sessions. It implements the ports `Passwords`, `AccessTokens` and
`RefreshKeys`, and reads keys at rest through the port `SealedKeys`.
Called by: the composition root. Imports: `usecases.ports` and the domain.
"""
