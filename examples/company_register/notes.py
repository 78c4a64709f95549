"""Keeps the notes on companies in memory: the only thing that changes, gone when the process ends."""

from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import UTC, datetime

from .errors import bad_user_input
from .limits import MAX_NOTE_CHARACTERS, MAX_NOTES_PER_COMPANY


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on a company's file; `written_at` is RFC 3339 in UTC."""

    text: str
    author: str
    written_at: str


class NoteBook:
    """The notes of all companies; a full file loses its oldest note."""

    def __init__(self) -> None:
        self._files: defaultdict[str, deque[Note]] = defaultdict(lambda: deque(maxlen=MAX_NOTES_PER_COMPANY))

    def write(self, company_number: str, text: str, author: str) -> None:
        """
        Put a note on top of a company's file.

        Raises:
            GraphQLError: `BAD_USER_INPUT`, for an empty or too long text; nothing was written.
        """
        text = text.strip()
        if not 1 <= len(text) <= MAX_NOTE_CHARACTERS:
            raise bad_user_input(f"`text` must have 1 to {MAX_NOTE_CHARACTERS} characters.")
        self._files[company_number].appendleft(Note(text, author, now()))

    def read(self, company_number: str) -> list[Note]:
        """Return a company's notes, the newest first."""
        return list(self._files.get(company_number, ()))


def now() -> str:
    """Return this moment as the `DateTime` scalar writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
