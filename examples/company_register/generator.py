"""
Makes the companies up, the same ones everywhere.

Only `Random.random()` is drawn from: the one method whose sequence Python promises to keep from version to version.
"""

from collections.abc import Iterator
from random import Random
from typing import TypeVar

from .company import Company, CompanyStatus, HealthRating, YearlyAccounts
from .words import FAMILIES, TOWNS, TRADES

COUNT = 1000
NEWEST_YEAR = 2025
YEARS_KEPT = 5

_SEED = 42
_STRIDE = 1217  # coprime to the number of possible names, so walking by it meets each name once
_NAMES = tuple(
    (family, trade, industry) for industry, trades in TRADES.items() for trade in trades for family in FAMILIES
)

_STATUS_PERCENT = {
    CompanyStatus.ACTIVE: 84,
    CompanyStatus.DORMANT: 6,
    CompanyStatus.IN_LIQUIDATION: 4,
    CompanyStatus.DISSOLVED: 6,
}
_RATING_PERCENT = {
    HealthRating.GOLD: 25,
    HealthRating.SILVER: 35,
    HealthRating.BRONZE: 25,
    HealthRating.ONE_RED_FLAG: 10,
    HealthRating.TWO_RED_FLAGS: 5,
}

_MARGIN_PERCENT = {
    HealthRating.GOLD: (8, 20),
    HealthRating.SILVER: (3, 10),
    HealthRating.BRONZE: (-2, 6),
    HealthRating.ONE_RED_FLAG: (-10, 2),
    HealthRating.TWO_RED_FLAGS: (-25, -5),
    HealthRating.UNRATED: (0, 1),
}

T = TypeVar("T")


def _spread(percent: dict[T, int]) -> tuple[T, ...]:
    """Return each choice as often as its weight says, so that an even pick is a weighted one."""
    return tuple(choice for choice, weight in percent.items() for _ in range(weight))


_STATUSES = _spread(_STATUS_PERCENT)
_RATINGS = _spread(_RATING_PERCENT)


def generate(count: int = COUNT) -> tuple[Company, ...]:
    """Return the first `count` companies by number, 1 to 2,000 of them, equal at every call."""
    rng = Random(_SEED)
    return tuple(_company(rng, index) for index in range(count))


def _company(rng: Random, index: int) -> Company:
    family, trade, industry = _NAMES[index * _STRIDE % len(_NAMES)]
    status = _pick(rng, _STATUSES)
    rating = _rating(rng, status)
    founded = _between(rng, 1890, NEWEST_YEAR - 1)
    return Company(
        company_number=f"GP{index + 1:06d}",
        company_name=f"{family} {trade}",
        status=status,
        health_rating=rating,
        incorporated_on=f"{founded}-{_between(rng, 1, 12):02d}-{_between(rng, 1, 28):02d}",
        industry=industry,
        town=_pick(rng, TOWNS),
        yearly=tuple(_accounts(rng, founded, rating, trades=status is not CompanyStatus.DORMANT))[::-1],
    )


def _rating(rng: Random, status: CompanyStatus) -> HealthRating:
    """Draw a rating that does not contradict the status."""
    match status:
        case CompanyStatus.ACTIVE:
            return _pick(rng, _RATINGS)
        case CompanyStatus.IN_LIQUIDATION:
            return HealthRating.TWO_RED_FLAGS
        case CompanyStatus.DORMANT | CompanyStatus.DISSOLVED:
            return HealthRating.UNRATED


def _accounts(rng: Random, founded: int, rating: HealthRating, *, trades: bool) -> Iterator[YearlyAccounts]:
    """Yield the years a company reported, oldest first, each growing out of the one before."""
    turnover = _between(rng, 20_000, 40_000) << _between(rng, 0, 14) if trades else 0
    net_assets = turnover // 4
    for year in range(max(founded, NEWEST_YEAR - YEARS_KEPT + 1), NEWEST_YEAR + 1):
        turnover = turnover * _between(rng, 92, 114) // 100
        profit = turnover * _between(rng, *_MARGIN_PERCENT[rating]) // 100
        net_assets += profit
        yield YearlyAccounts(year, turnover, profit, net_assets, employees=-(-turnover // 90_000))


def _between(rng: Random, low: int, high: int) -> int:
    return low + int(rng.random() * (high - low + 1))


def _pick(rng: Random, choices: tuple[T, ...]) -> T:
    return choices[int(rng.random() * len(choices))]
