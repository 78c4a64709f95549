"""A person or service that can sign in."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Final, NewType
from uuid import UUID

from gatepass.domain.errors import BadUserInput
from gatepass.domain.identifiers import EPOCH, AccountId
from gatepass.domain.value import value

EmailAddress = NewType("EmailAddress", str)
Scope = NewType("Scope", str)

MAX_EMAIL_CHARACTERS = 254
_MAX_SPELLED = 2 * MAX_EMAIL_CHARACTERS
"""Each letter may come with an accent of its own. More is not looked at: normal forms take quadratic time to find."""
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,253}")
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,64}")
MAX_SCOPES = 32
MAX_SCOPE_CHARACTERS = 200


@value(frozen=True, slots=True)
class Account:
    """An account as everyone may see it; its password hash travels apart, see `StoredCredentials`."""

    id: AccountId
    email: EmailAddress
    scopes: tuple[Scope, ...]
    created_at: datetime
    disabled_at: datetime | None = None

    @property
    def enabled(self) -> bool:
        """Whether this account can sign in and refresh."""
        return self.disabled_at is None


NOBODY: Final = Account(AccountId(UUID(int=0)), EmailAddress("nobody@invalid"), (), EPOCH)
"""For work that is done for a name that has no account as well: the clock must not tell which names there are."""


def email_address(text: str) -> EmailAddress:
    """
    The one spelling under which an address is stored and found: NFKC, case folded, trimmed.

    Raises:
        BadUserInput: not an address that could receive mail.
    """
    spelled = text.strip()
    # Folding can undo the normal form, so it comes again: an address's canonical form is its own canonical form.
    canonical = _normal(_normal(spelled).casefold()) if len(spelled) <= _MAX_SPELLED else ""
    if len(canonical) > MAX_EMAIL_CHARACTERS or not _EMAIL.fullmatch(canonical) or _is_misleading(canonical):
        raise BadUserInput("That is not an e-mail address: expected the form name@example.org.")
    return EmailAddress(canonical)


def scopes(values: tuple[str, ...] | list[str]) -> tuple[Scope, ...]:
    """
    Checked scope tokens, sorted, each once.

    Raises:
        BadUserInput: a scope that RFC 6749 §3.3 does not allow, or more than fit into an access token.
    """
    for scope in values:
        if not _SCOPE.fullmatch(scope):
            raise BadUserInput(
                f"{scope!r} is not a scope: use 1 to 64 printable ASCII characters without space, quote or backslash."
            )
    unique = tuple(Scope(scope) for scope in sorted(set(values)))
    if len(unique) > MAX_SCOPES or len(" ".join(unique)) > MAX_SCOPE_CHARACTERS:
        raise BadUserInput(
            f"Too many scopes: at most {MAX_SCOPES}, and {MAX_SCOPE_CHARACTERS} characters in all, "
            "so that access tokens stay small."
        )
    return unique


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _is_misleading(text: str) -> bool:
    """Surrogates, and what cannot be seen or turns the direction of writing: two such addresses look like one."""
    return any(unicodedata.category(character) in ("Cs", "Cf") for character in text)
