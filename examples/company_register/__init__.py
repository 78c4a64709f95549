"""
Company register: a demo GraphQL API of a thousand fictional companies.

It owns its data and its schema (`schema.graphql`), protects nothing, and believes the identity headers of the gateway
in front of it. It knows nothing of tokens or passwords. Run it with `uvicorn company_register:app --app-dir examples`.
"""

from .asgi import create_app

__all__ = ["app", "create_app"]

app = create_app()
"""The ASGI app; notes live as long as it does."""
