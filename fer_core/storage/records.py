"""Checks records: dataclasses whose annotations say the type and the range of every field.

A record that was read is one whose values can be computed with, shown and drawn: a number is
finite and within its range, a time is one of the calendar. Each package declares its own:

    @dataclass(frozen=True)
    class Result:
        epochs: Count
        best_epoch: Count | None = None
        val_accuracy: Fraction = 0.0
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from fer_core.errors import FerError
from fer_core.storage.reading import DamagedFileError, read_json

T = TypeVar("T")

# Exact as a float, and any sum of them is an int64.
Count = Annotated[int, Meta(ge=0, le=2**53)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
# JSON has no infinite numbers; the squares of these are finite too.
Number = Annotated[float, Meta(ge=-1e100, le=1e100)]
NonNegative = Annotated[float, Meta(ge=0, le=1e100)]
Seconds = Annotated[float, Meta(ge=0, le=1e10)]  # a duration; videos count to 292 years
Timestamp = Annotated[float, Meta(ge=0, le=253_370_764_800)]  # seconds since 1970, to year 9999


def check_record(kind: type[T], data: Any) -> T:
    """Returns the dataclass `kind` made of a JSON object, with every value checked.

    Annotations may use the types above, `Annotated[…, msgspec.Meta(…)]`, other dataclasses and
    containers; what `__post_init__` raises as a ValueError is reported too.

    Raises:
        FerError: the data is no object, lacks a field, has one that `kind` does not know (a newer
            version of the program may have written it), or has a value of a wrong type or range.
    """
    unknown = sorted(_unknown_names(kind, data))
    if unknown:
        raise FerError(
            f"has unknown names: {', '.join(unknown)[:200]}. They may come from a newer version of "
            "the program."
        )
    return check_value(kind, data)


def check_value(hint: type[T], value: Any) -> T:
    """Returns a value of JSON as the type that an annotation says; see `check_record`.

    Raises:
        FerError: it has another type, or is out of range.
    """
    try:
        return msgspec.convert(value, hint)
    except (msgspec.ValidationError, RecursionError) as error:
        raise FerError(f"has an invalid value: {error}") from error


def _unknown_names(kind: type, data: Any) -> Iterator[str]:
    if not is_dataclass(kind) or not isinstance(data, Mapping):
        return
    types = {entry.name: entry.type for entry in fields(kind)}
    for name, value in data.items():
        inner = types.get(name)
        if inner is None:
            yield str(name)
        elif isinstance(inner, type):
            yield from _unknown_names(inner, value)


def read_record(path: Path, kind: type[T]) -> T | None:
    """Returns the dataclass `kind` from a JSON file, or None if there is no such file.

    Raises:
        DamagedFileError: the file cannot be read or is no valid record; see `check_record`.
    """
    data = read_json(path)
    if data is None:
        return None
    try:
        return check_record(kind, data)
    except FerError as error:
        raise DamagedFileError(path, str(error)) from error


def check_time(text: str) -> datetime:
    """Returns the time that an ISO 8601 string names.

    Raises:
        FerError: it names none.
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise FerError(f"A time must be in ISO 8601. Received: {text[:50]!r}") from error
