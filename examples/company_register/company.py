"""What the register knows about a company."""

from dataclasses import dataclass
from enum import StrEnum


class CompanyStatus(StrEnum):
    """Whether a company trades. Values are the names in the schema."""

    ACTIVE = "ACTIVE"
    DORMANT = "DORMANT"
    IN_LIQUIDATION = "IN_LIQUIDATION"
    DISSOLVED = "DISSOLVED"


class HealthRating(StrEnum):
    """How sound a company is, from best to worst. Values are the names in the schema."""

    GOLD = "GOLD"
    SILVER = "SILVER"
    BRONZE = "BRONZE"
    ONE_RED_FLAG = "ONE_RED_FLAG"
    TWO_RED_FLAGS = "TWO_RED_FLAGS"
    UNRATED = "UNRATED"


@dataclass(frozen=True, slots=True)
class YearlyAccounts:
    """One year's figures; amounts in whole euros, each within GraphQL's 32-bit `Int`."""

    year: int
    turnover: int
    profit: int
    net_assets: int
    employees: int


@dataclass(frozen=True, slots=True)
class Company:
    """One entry of the register; attributes are named as the schema's fields, so that they need no resolver."""

    company_number: str
    company_name: str
    status: CompanyStatus
    health_rating: HealthRating
    incorporated_on: str
    """ISO 8601: as text a date sorts by time and needs no scalar code, which graphql-core 3.2 and 3.3 spell apart."""
    industry: str
    town: str
    yearly: tuple[YearlyAccounts, ...]
    """Newest first, never empty."""

    @property
    def turnover(self) -> int:
        """Turnover of the newest accounts in whole euros."""
        return self.yearly[0].turnover
