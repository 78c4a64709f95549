"""The public audit suite of GraphQL over HTTP against the real server, its gateway and a real API behind it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.conftest import Site
from tests.graphql import test_audits as audits

suite = audits.suite  # the fixture that fetches the suite


async def test_every_audit_passes_without_a_warning_on_the_whole_server(suite: Path, site: Site) -> None:
    """Both spellings of the path."""
    for address in (site.address, site.address.rstrip("/")):
        status, output = await audits.run("node", "-e", audits.RUN_SUITE, address, cwd=suite, patience_seconds=60)
        assert status == 0, output
        results = json.loads(output)
        assert len(results) > 50
        assert [result for result in results if result["status"] != "ok"] == []
