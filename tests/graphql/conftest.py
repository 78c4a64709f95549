from __future__ import annotations

import pytest

from tests.graphql.world import Api


@pytest.fixture
def api() -> Api:
    """A server at its defaults."""
    return Api()
