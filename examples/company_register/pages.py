"""Orders companies and cuts the list into pages that a cursor walks without gaps or repeats."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .company import Company
from .errors import bad_user_input
from .limits import MAX_PAGE, within

DEFAULT_PAGE = 20

_KEYS: dict[str, Callable[[Company], Any]] = {
    "COMPANY_NUMBER": lambda company: company.company_number,
    "COMPANY_NAME": lambda company: company.company_name,
    "INCORPORATED_ON": lambda company: company.incorporated_on,
    "TURNOVER": lambda company: company.turnover,
}


def page(
    companies: Sequence[Company], *, order: Mapping[str, str] | None, first: int | None, after: str | None
) -> dict[str, Any]:
    """
    Return one `CompanyPage`.

    Args:
        companies: all that match, by company number.
        order: a `CompanyOrder`; equal companies keep their order by number, so that every order is total.
        first: page size; `DEFAULT_PAGE` when None.
        after: cursor of the last company already seen.

    Raises:
        GraphQLError: `BAD_USER_INPUT`, for a page size out of bounds or a cursor that is not from this list.
    """
    size = DEFAULT_PAGE if first is None else first
    within("first", size, 1, MAX_PAGE)
    ordered = _ordered(companies, order)
    start = 0 if after is None else _position(ordered, after) + 1
    items = ordered[start : start + size]
    return {
        "items": items,
        "totalCount": len(ordered),
        "pageInfo": {
            "hasNextPage": start + size < len(ordered),
            "endCursor": _cursor(items[-1]) if items else None,
        },
    }


def _ordered(companies: Sequence[Company], order: Mapping[str, str] | None) -> Sequence[Company]:
    if order is None:
        return companies
    return sorted(companies, key=_KEYS[order["field"]], reverse=order["direction"] == "DESC")


def _cursor(company: Company) -> str:
    return urlsafe_b64encode(company.company_number.encode()).decode()


def _position(companies: Sequence[Company], cursor: str) -> int:
    try:
        number = urlsafe_b64decode(cursor).decode()
        return next(index for index, company in enumerate(companies) if company.company_number == number)
    except (ValueError, StopIteration) as error:
        raise bad_user_input("`after` is not an `endCursor` of this list of companies.") from error
