"""Answers the fields of the schema that are more than an attribute."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from graphql import GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema, build_schema

from .caller import Caller
from .company import Company, HealthRating, YearlyAccounts
from .errors import bad_user_input, forbidden
from .filters import matcher
from .generator import YEARS_KEPT
from .health import HealthChange, HealthFeed
from .limits import MAX_INTERVAL_SECONDS, MAX_ROWS, MAX_STREAM_EVENTS, MIN_INTERVAL_SECONDS, within
from .notes import Note, NoteBook
from .pages import page


@dataclass(frozen=True, slots=True)
class Register:
    """Everything the API serves."""

    companies: dict[str, Company]
    """By company number, in that order."""
    notes: NoteBook
    feed: HealthFeed

    def known(self, company_number: str) -> Company:
        """Return a company, or refuse its number with `BAD_USER_INPUT`."""
        if company := self.companies.get(company_number):
            return company
        raise bad_user_input("No company has this number.")


@dataclass(slots=True)
class Context:
    """What a resolver finds in `info.context`; lives as long as one request."""

    register: Register
    caller: Caller | None
    rows_left: int = MAX_ROWS

    def spend(self, rows: int) -> None:
        """Refuse answers of more than `MAX_ROWS` rows with `BAD_USER_INPUT`: aliases would multiply any page limit."""
        self.rows_left -= rows
        if self.rows_left < 0:
            raise bad_user_input(f"The answer would have more than {MAX_ROWS} rows; ask for less at once.")


Info: TypeAlias = "GraphQLResolveInfo[Context]"


def _companies(_root: None, info: Info, **asked: Any) -> dict[str, Any]:
    matches = matcher(asked.get("where"))
    found = [company for company in _register(info).companies.values() if matches(company)]
    cut = page(found, order=asked.get("orderBy"), first=asked.get("first"), after=asked.get("after"))
    info.context.spend(len(cut["items"]))
    return cut


def _company(_root: None, info: Info, company_number: str) -> Company | None:
    return _register(info).companies.get(company_number)


def _viewer(_root: None, info: Info) -> dict[str, Any] | None:
    caller = info.context.caller
    return {"subject": caller.subject, "scopes": sorted(caller.scopes)} if caller else None


def _add_company_note(_root: None, info: Info, company_number: str, text: str) -> Company:
    caller = info.context.caller
    if caller is None or "write" not in caller.scopes:
        raise forbidden("This needs an access token with the scope `write`.")
    company = _register(info).known(company_number)
    _register(info).notes.write(company_number, text, caller.subject)
    return company


def _health_changes(_root: None, info: Info, **asked: Any) -> AsyncGenerator[HealthChange, None]:
    """Check the arguments before the stream begins: a generator would raise only when first read."""
    interval_seconds = 1.0 if asked.get("interval_seconds") is None else asked["interval_seconds"]
    within("interval_seconds", interval_seconds, MIN_INTERVAL_SECONDS, MAX_INTERVAL_SECONDS)
    first = asked.get("first")
    if first is not None:
        within("first", first, 1, MAX_STREAM_EVENTS)
    watched = _rated(_register(info), asked.get("company_number"))
    return _register(info).feed.changes(watched, interval_seconds=interval_seconds, first=first)


def _rated(register: Register, company_number: str | None) -> list[Company]:
    chosen = register.companies.values() if company_number is None else [register.known(company_number)]
    if rated := [company for company in chosen if company.health_rating is not HealthRating.UNRATED]:
        return rated
    raise bad_user_input("This company is not rated, so its rating never changes.")


def _health_changed(change: HealthChange, _info: Info, **_asked: Any) -> HealthChange:
    return change


def _accounts(company: Company, info: Info, first: int | None = None) -> Sequence[YearlyAccounts]:
    if first is not None:
        within("first", first, 1, YEARS_KEPT)
    info.context.spend(len(company.yearly[:first]))
    return company.yearly[:first]


def _notes(company: Company, info: Info) -> list[Note]:
    return _register(info).notes.read(company.company_number)


def _register(info: Info) -> Register:
    return info.context.register


_RESOLVERS: dict[str, dict[str, Callable[..., Any]]] = {
    "Query": {"companies": _companies, "company": _company, "viewer": _viewer},
    "Mutation": {"addCompanyNote": _add_company_note},
    "Subscription": {"healthChanged": _health_changed},
    "Company": {"accounts": _accounts, "notes": _notes},
}


def executable_schema() -> GraphQLSchema:
    """Return the schema of `schema.graphql` with its resolvers; they expect a `Context`."""
    schema = build_schema(Path(__file__).with_name("schema.graphql").read_text("utf-8"))
    for type_name, resolvers in _RESOLVERS.items():
        for field_name, resolve in resolvers.items():
            cast("GraphQLObjectType", schema.type_map[type_name]).fields[field_name].resolve = resolve
    cast("GraphQLObjectType", schema.subscription_type).fields["healthChanged"].subscribe = _health_changes
    return schema
