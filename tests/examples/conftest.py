"""The demo API, in this process."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))  # what `uvicorn --app-dir examples` does

from company_register import create_app


@pytest.fixture
def app() -> Starlette:
    """Return a register without notes."""
    return create_app()


@pytest.fixture
async def api(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """Yield a client of the API."""
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://register.test") as client:
        yield client
