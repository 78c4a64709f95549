"""`gatepass curl`: the token goes to the API's own host, and through no command line."""

from __future__ import annotations

import click
import pytest

from gatepass.cli.curl import refuse_other_hosts

ADDRESS = "https://api.example.org/graphql/"


@pytest.mark.parametrize(
    "arguments",
    [
        ("https://api.example.com/",),
        ("http://api.example.org/graphql/",),
        ("https://api.example.org:8443/graphql/",),
        ("https://api.example.org@evil.example/",),
        ("https://api.example.org.evil.example/",),
        ("--data", "{}", "HTTPS://evil.example/"),
        ("--url", "https://evil.example/"),
        ("https://{api.example.org,evil.example}/",),
        ("https://[::1/",),
        ("--url=https://evil.example/",),
        ("--location-trusted",),
        ("--location-tr", "https://api.example.org/"),
        ("--proto-default", "https", "evil.example"),
        ("-s", "https://api.example.org/", "https://evil.example/"),
    ],
)
def test_another_host_is_refused(arguments: tuple[str, ...]) -> None:
    """Before any token is asked for, and before curl is started."""
    with pytest.raises(click.UsageError, match="token"):
        refuse_other_hosts(ADDRESS, arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("https://api.example.org/livez",),
        ("https://API.example.org:443/graphql/",),
        ("--data", "https://evil.example/ is only data"),
        ("-x", "http://proxy.example.org:3128", "--location"),
        ("-H", "Referer: https://www.example.org/"),
    ],
)
def test_the_api_s_own_host_and_what_is_no_address_are_not(arguments: tuple[str, ...]) -> None:
    """Data, proxies and headers may hold any."""
    refuse_other_hosts(ADDRESS, arguments)
