"""Drives a flow of the client by hand: what it asks for is written down, what it gets is what the test says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gatepass.client.effects import Answer, Do, Flow, Need, Pause, Request, Send
from gatepass.client.tokens import Held

Outcome = Answer | Held | Exception


@dataclass
class Driven:
    """What a flow did, and how it ended: with `result`, or with `error`."""

    sent: list[Request] = field(default_factory=list)
    paused: list[float] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    result: Any = None
    error: Exception | None = None

    @property
    def bodies(self) -> list[Any]:
        """What was sent, as JSON."""
        return [json.loads(request.content) for request in self.sent]


def drive(flow: Flow[Any], outcomes: Sequence[Outcome]) -> Driven:
    """Run it to its end; each `Send` and each `Need` takes the next outcome, and none may be left."""
    driven = Driven()
    left = list(outcomes)
    given: Any = None
    while True:
        try:
            effect = flow.throw(given) if isinstance(given, Exception) else flow.send(given)
        except StopIteration as end:
            driven.result = end.value
            break
        except Exception as error:
            driven.error = error
            break
        given = None
        match effect:
            case Send(request):
                driven.sent.append(request)
                given = left.pop(0)
            case Need():
                driven.needs.append(effect)
                given = left.pop(0)
            case Pause(seconds):
                driven.paused.append(seconds)
            case Do(deed):
                given = deed()
    assert not left, f"nobody asked for {left}"
    return driven


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    """An answer with JSON, or with text that is none."""
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Answer(status, content, {name.replace("_", "-"): value for name, value in headers.items()})


def error_body(message: str, code: str | None = None, **more: Any) -> dict[str, Any]:
    """The body of a GraphQL answer with one error."""
    return {"errors": [{"message": message} | ({"extensions": {"code": code}} if code else {})], **more}
