"""
The stages between a classified operation and the upstream's answer.

Owns: what goes up and what comes down of headers, the HTTP and the in-process upstream, time limits towards the
upstream, streaming, the end of open streams, and the upstream's schema merged with the sign-in schema.
Does not know: GraphQL documents and policy, how a bearer was verified, stores. It believes the `ForwardedOperation`.
Called by: graphql (through the `Forward` protocol of http.messages) and app. Imports: http, usecases, domain.
"""
