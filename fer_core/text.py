"""Formats counts and names for sentences."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

# Names of splits on the screen.
SPLIT_NAMES = {"train": "Training", "val": "Validation", "test": "Test"}

_MAX_LENGTH = 200  # characters
_SHOWN = 3  # names in a sentence
# They change the order in which the characters around them are shown.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_KEPT = 1000  # characters of a name


def counted(number: int, singular: str, plural: str = "") -> str:
    """Returns a count with its noun: "1 image", "1,000 images"."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def is_one_line(text: str) -> bool:
    """Returns whether a text can be stored in a line of a UTF-8 file and comes back as it was.

    False for control characters, the line separators of Unicode, and what stands for bytes that
    are not UTF-8 in a file's name.
    """
    return text.isprintable() or not any(map(_is_odd, text))


def printable(text: str) -> str:
    """Returns the text with characters that `is_one_line` refuses written as "\\r", "\\udcff"."""
    if is_one_line(text):
        return text
    return "".join(
        char.encode("unicode_escape").decode("ascii") if _is_odd(char) else char for char in text
    )


def visible(text: str) -> str:
    """Returns the text in one line that looks as it is, on a terminal and on a page.

    Control characters, with which a name could color, delete or forge lines of a terminal, are
    written as "\\x1b", and those that change the direction of writing as "\\u202e".
    """
    return _BIDI.sub(lambda found: f"\\u{ord(found[0]):04x}", printable(text))


def _is_odd(char: str) -> bool:
    # Control characters, surrogates, line and paragraph separators.
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")


def shortened(text: str) -> str:
    """Returns the text in printable characters; of more than 200 only the beginning and end."""
    half = _MAX_LENGTH // 2
    return printable(text if len(text) <= _MAX_LENGTH else f"{text[:half]} … {text[-half:]}")


def some(names: Sequence[str], limit: int = _SHOWN) -> str:
    """Returns the first few names, and the number of the others: "a, b, c and 2 more"."""
    shown = ", ".join(map(shortened, names[:limit]))
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit:,} more"


@dataclass
class Tally:
    """Counts names, or sentences, and keeps the first few, since there may be millions."""

    count: int = 0
    first: list[str] = field(default_factory=list)
    keep: int = 10

    def add(self, name: str) -> None:
        """Counts a name."""
        self.count += 1
        if len(self.first) < self.keep:
            self.first.append(printable(name[:_KEPT]))

    def update(self, names: Iterable[str]) -> None:
        """Counts names."""
        for name in names:
            self.add(name)

    def merge(self, other: "Tally") -> None:
        """Adds what another has counted."""
        self.first += other.first[: self.keep - len(self.first)]
        self.count += other.count

    def __len__(self) -> int:
        return self.count

    def __str__(self) -> str:
        """Returns the first few names, and the number of the others: "a, b, c and 2 more"."""
        shown = list(map(shortened, self.first[:_SHOWN]))
        more = self.count - len(shown)
        return ", ".join(shown) + (f" and {more:,} more" if more else "")
