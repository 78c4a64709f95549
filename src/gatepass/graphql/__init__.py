"""
The GraphQL surface: from the bytes of a request to an answer, or to an operation for the gateway.

Owns: the sign-in schema and its resolvers, GraphQL over HTTP, what an operation is (ours, introspection, protected,
mixed), the limits of documents, planned sign-in documents.
Does not know: how accounts, tokens and sessions are kept or checked, how the upstream is reached.
Called by: app. Imports: http, usecases, domain, and graphql-core.
"""
