"""Figures for Prometheus."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from gatepass.telemetry.metrics import MAX_SERIES, Metrics, settled


def samples(metrics: Metrics, *others: bytes) -> dict[tuple[str, ...], float]:
    body, content_type = metrics.render(others)
    assert content_type == b"text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_requests_are_counted_by_operation_and_code() -> None:
    """And timed by operation."""
    metrics = Metrics()
    for code in ("OK", "OK", "UNAUTHENTICATED"):
        metrics.request("query", code, 0.02)
    found = samples(metrics)
    assert found["gatepass_requests_total", "OK", "query"] == 2
    assert found["gatepass_requests_total", "UNAUTHENTICATED", "query"] == 1
    assert found["gatepass_request_duration_seconds_count", "query"] == 3
    assert found["gatepass_request_duration_seconds_bucket", "0.01", "query"] == 0
    assert found["gatepass_request_duration_seconds_bucket", "0.025", "query"] == 3


def test_sign_ins_are_counted_by_outcome() -> None:
    """What an alert on password guessing needs."""
    metrics = Metrics()
    for code in ("OK", "INVALID_CREDENTIALS", "INVALID_CREDENTIALS", "OVERLOADED", "INTERNAL"):
        metrics.request("sign_in", code, 0.02)
    found = samples(metrics)
    assert {key[1]: value for key, value in found.items() if key[0] == "gatepass_sign_ins_total"} == {
        "signed_in": 1,
        "refused": 2,
        "overloaded": 1,
        "failed": 1,
    }


def test_the_hash_queue_is_asked_when_the_page_is() -> None:
    """A gauge by callback is never stale."""
    waiting = [3.0]
    metrics = Metrics(lambda: waiting[0])
    assert samples(metrics)["gatepass_hash_queue_length",] == 3
    waiting[0] = 5
    assert samples(metrics)["gatepass_hash_queue_length",] == 5


def test_the_number_of_series_is_bounded() -> None:
    """If a caller's text ever got in as an operation, it would not fill the memory."""
    metrics = Metrics()
    for number in range(MAX_SERIES + 50):
        metrics.request(f"operation {number}", "OK", 0.01)
    found = samples(metrics)
    assert found["gatepass_requests_total", "other", "other"] == 50


def test_registries_are_apart() -> None:
    """Two in one process, or an application's own, do not collide."""
    first, second = Metrics(), Metrics()
    first.request("query", "OK", 0.01)
    assert ("gatepass_requests_total", "OK", "query") not in samples(second)


def test_processes_on_one_port_show_what_all_have_counted() -> None:
    """Whichever of them a scrape meets, and however often: a sum is made anew each time."""
    ours, theirs = Metrics(lambda: 2), Metrics(lambda: 3)
    ours.request("query", "OK", 0.02)
    theirs.request("query", "OK", 0.2)
    theirs.request("sign_in", "OK", 0.02)
    for asked, other in ((ours, theirs), (theirs, ours), (ours, theirs)):
        found = samples(asked, other.snapshot(), b"null")
        assert found["gatepass_requests_total", "OK", "query"] == 2
        assert found["gatepass_requests_total", "OK", "sign_in"] == 1
        assert found["gatepass_request_duration_seconds_bucket", "0.025", "query"] == 1
        assert found["gatepass_request_duration_seconds_count", "query"] == 2
        assert found["gatepass_sign_ins_total", "signed_in"] == 1
        assert found["gatepass_hash_queue_length",] == 5
    assert samples(ours)["gatepass_requests_total", "OK", "query"] == 1


def test_nothing_waits_in_a_process_that_is_gone() -> None:
    """What it has counted stays; the passwords that waited there would be waiting in the sum for ever."""
    lost = Metrics(lambda: 7)
    lost.request("query", "OK", 0.02)
    found = samples(Metrics(lambda: 2), settled([settled([lost.snapshot(), b"null"]), lost.snapshot()]))
    assert found["gatepass_requests_total", "OK", "query"] == 2
    assert found["gatepass_request_duration_seconds_bucket", "0.025", "query"] == 2
    assert found["gatepass_hash_queue_length",] == 2
