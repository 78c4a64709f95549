"""Turns a `CompanyFilter` into one function that says whether a company matches."""

import operator
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeAlias

from .company import Company
from .errors import bad_user_input
from .limits import MAX_FILTER_CONDITIONS

Filter: TypeAlias = Mapping[str, Any]
Test: TypeAlias = Callable[[Company], bool]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": lambda value, wanted: value in wanted,
    "contains": lambda value, wanted: wanted.casefold() in value.casefold(),
    "startsWith": lambda value, wanted: value.casefold().startswith(wanted.casefold()),
}


def matcher(where: Filter | None) -> Test:
    """
    Return the test for a filter; null and empty conditions hold for every company, only `or: []` for none.

    Raises:
        GraphQLError: `BAD_USER_INPUT`, for too many conditions or a date that is none.
    """
    if _size(where or {}) > MAX_FILTER_CONDITIONS:
        raise bad_user_input(f"A filter can have at most {MAX_FILTER_CONDITIONS} conditions.")
    return _all_of(where or {})


def _size(where: Filter) -> int:
    nested = [inner for key in ("and", "or") for inner in where.get(key) or ()]
    return len(where) + len(nested) + sum(map(_size, nested))


def _all_of(where: Filter) -> Test:
    tests = [test for key, given in where.items() if given is not None for test in _tests(key, given)]
    if len(tests) == 1:
        return tests[0]  # the usual case, spared a generator for each company
    return lambda company: all(test(company) for test in tests)


def _tests(key: str, given: Any) -> list[Test]:
    if key == "and":
        return [_all_of(inner) for inner in given]
    if key == "or":
        return [_any_of([_all_of(inner) for inner in given])]
    if key == "incorporated_on":
        given = {name: wanted if wanted is None else _iso(wanted) for name, wanted in given.items()}
    return [_comparison(key, name, wanted) for name, wanted in given.items() if wanted is not None]


def _any_of(tests: list[Test]) -> Test:
    return lambda company: any(test(company) for test in tests)


def _comparison(attribute: str, name: str, wanted: Any) -> Test:
    if name == "in":
        wanted = frozenset(wanted)
    compare = _COMPARE[name]
    return lambda company: compare(getattr(company, attribute), wanted)


def _iso(given: Any) -> str:
    try:
        return date.fromisoformat(given).isoformat()
    except (TypeError, ValueError) as error:
        raise bad_user_input("A Date must be written as YYYY-MM-DD.") from error
