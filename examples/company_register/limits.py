"""Every limit of the demo. They keep a curious caller from stopping it, and are stated in the schema or the README."""

from .errors import bad_user_input

MAX_BODY_BYTES = 100_000
MAX_DOCUMENT_TOKENS = 1_000
MAX_FILTER_CONDITIONS = 50
MAX_PAGE = 100
MAX_ROWS = 5_000
MAX_STREAM_EVENTS = 1_000
MIN_INTERVAL_SECONDS = 0.05
MAX_INTERVAL_SECONDS = 10.0
MAX_NOTE_CHARACTERS = 500
MAX_NOTES_PER_COMPANY = 20


def within(name: str, value: float, low: float, high: float) -> None:
    """Refuse an argument outside its bounds (both included) with `BAD_USER_INPUT`."""
    if not low <= value <= high:
        raise bad_user_input(f"`{name}` must be between {low:g} and {high:g}.")
