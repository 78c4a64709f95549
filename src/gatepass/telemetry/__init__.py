"""
What is seen of a running server: one log line per request, other events, metrics.

Owns: the two forms of a log line, the redaction that everything logged goes through, the Prometheus registry.
Does not know: requests, answers, accounts; it is told words and numbers.
Called by: app, cli. Imports: the domain (secrets); msgspec, prometheus-client.
"""
