"""Puts counts and names into sentences."""

from collections.abc import Sequence

# Names of splits on the screen.
SPLIT_NAMES = {"train": "Training", "val": "Validation", "test": "Test"}

_LONGEST = 200  # letters of a name or sentence among others


def counted(number: int, thing: str, things: str = "") -> str:
    """ "1 image", "2 images", "1,000 images"."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def shortened(text: str) -> str:
    """The text, or its beginning and end where it is too long to be read."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} … {text[-half:]}"


def some(names: Sequence[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(map(shortened, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
