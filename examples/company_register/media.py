"""Chooses how an answer is written. Source: GraphQL over HTTP, "Media Types"; RFC 9110 §12.5.1."""

from dataclasses import dataclass

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
EVENTS = "text/event-stream"

_OFFERED = {JSON: JSON, RESPONSE: RESPONSE, "application/*": JSON, "*/*": JSON, EVENTS: EVENTS}


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a caller takes: `single` is a media type for one answer, `events` allows a stream of answers."""

    single: str | None
    events: bool


def accepted(header: str | None) -> Accepted:
    """
    Read an `Accept` header; none means JSON.

    The highest quality wins, then the first named. A stream must be asked for by name: a script that says `*/*`, as
    most do, would wait for its end for ever.
    """
    ranked = sorted((_item(item) for item in (header or JSON).split(",")), key=lambda item: -item[1])
    offers = [_OFFERED[media] for media, quality in ranked if quality > 0 and media in _OFFERED]
    return Accepted(next((media for media in offers if media != EVENTS), None), EVENTS in offers)


def _item(item: str) -> tuple[str, float]:
    media, *parameters = (part.strip().lower() for part in item.split(";"))
    quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
    try:
        return media, float(quality)
    except ValueError:
        return media, 0.0
