"""
ASGI parts that know no account.

Owns: requests and answers, body and header limits, the bearer header, media types, client address, request id,
security headers, and the transport half of the error table.
Does not know: GraphQL documents, accounts, tokens' contents, stores.
Called by: graphql, gateway, web, app. Imports: usecases, domain.
"""
