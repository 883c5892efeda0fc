"""Formats counts and names for sentences."""

from collections.abc import Sequence

# Names of splits on the screen.
SPLIT_NAMES = {"train": "Training", "val": "Validation", "test": "Test"}

_MAX_LENGTH = 200  # characters


def counted(number: int, singular: str, plural: str = "") -> str:
    """Returns a count with its noun: "1 image", "1,000 images"."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def shortened(text: str) -> str:
    """Returns the text, or only its beginning and end if it is longer than 200 characters."""
    half = _MAX_LENGTH // 2
    return text if len(text) <= _MAX_LENGTH else f"{text[:half]} … {text[-half:]}"


def some(names: Sequence[str], limit: int = 3) -> str:
    """Returns the first few names, and the number of the others: "a, b, c and 2 more"."""
    shown = ", ".join(map(shortened, names[:limit]))
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit:,} more"
