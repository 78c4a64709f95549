"""The client library under measurement: what it adds to httpx2, and what many processes with one sign-in do."""
