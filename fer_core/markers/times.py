"""Parses times of videos as people write them."""

import math
import re

from fer_core.errors import FerError
from fer_core.text import shortened

MAX_SECONDS = 1e7  # 115 days
_CLOCK = re.compile(r"(?:(\d{1,5}):)?(\d{1,5}):(\d{1,2}(?:\.\d{1,9})?)", re.ASCII)
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_RANGE = re.compile(r"([^-–]*)[-–]([^-–]*)")


def parse_seconds(text: str) -> float | None:
    """Returns the seconds of "65", "65.5", "1:05" or "1:01:05"; None for an empty text.

    Raises:
        FerError: it is none of these.
    """
    text = text.strip().replace(",", ".")
    clock = _CLOCK.fullmatch(text)
    if not text:
        return None
    if clock:
        hours, minutes, seconds = int(clock[1] or 0), int(clock[2]), float(clock[3])
        is_clock = seconds < 60 and (clock[1] is None or minutes < 60)
        value = 3600 * hours + 60 * minutes + seconds if is_clock else math.inf
    else:
        value = float(text) if _SECONDS.fullmatch(text) else math.inf
    if value > MAX_SECONDS:
        raise FerError(
            f"A time must be seconds, or minutes and seconds as in 1:05. Received: "
            f"{shortened(text)}"
        )
    return value


def parse_range(text: str) -> tuple[float, float]:
    """Returns start and end of "5-10" or "0:05-1:10.5" in seconds.

    Raises:
        FerError: it is no such range, or its end is not after its start.
    """
    found = _RANGE.fullmatch(text.strip())
    start, end = map(parse_seconds, found.groups()) if found else (None, None)
    if start is None or end is None:
        raise FerError(
            f"A range must have a start and an end, as in 5-10 or 0:05-1:10. Received: "
            f"{shortened(text)}"
        )
    check_order(start, end)
    return start, end


def check_order(start: float, end: float) -> None:
    """Checks that an end is after its start; raises FerError if not."""
    if not start < end:
        raise FerError(
            f"The end of a range must be after its start. Received: from {start:g} to {end:g} s"
        )


def format_seconds(seconds: float) -> str:
    """Returns a time as `parse_seconds` takes it, exact to a millisecond: "1:05.25"."""
    milliseconds = round(1e3 * seconds)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    text = f"{rest / 1e3:06.3f}".rstrip("0").rstrip(".")
    return f"{hours}:{minutes:02}:{text}" if hours else f"{minutes}:{text}"
