"""Checks the arguments of a request against the ones that its kind of task declares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_core.errors import FerError
from fer_core.text import shortened

_MAX_TEXT = 1_000  # characters; a name on the screen, never a path
_MAX_NAME = 255  # characters, as file systems allow


@dataclass(frozen=True)
class Argument:
    """One argument of a kind of task."""

    rule: str  # completes "must be …"
    is_valid: Callable[[Any], bool]
    required: bool = True


def check(declared: Mapping[str, Argument], arguments: Mapping[str, Any]) -> None:
    """Checks names, types and ranges.

    Raises:
        FerError: an argument is unknown, missing or invalid.
    """
    for name in arguments:
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise FerError(f"The arguments must be {known}. Received: {shortened(repr(name))}")
    for name, argument in declared.items():
        if name not in arguments:
            if argument.required:
                raise FerError(f"The argument `{name}` must be {argument.rule}. It is missing.")
        elif not argument.is_valid(arguments[name]):
            received = shortened(repr(arguments[name]))
            raise FerError(f"The argument `{name}` must be {argument.rule}. Received: {received}")


def is_bare_name(value: Any) -> bool:
    """Returns whether joining the value to a folder gives an entry of that very folder.

    Hidden names are refused too: they are half-written or deleted files.
    """
    return (
        isinstance(value, str)
        and 0 < len(value) <= _MAX_NAME
        and value.isprintable()
        and not value.startswith(".")
        and not any(separator in value for separator in "/\\:")
    )


def name(*, required: bool = True) -> Argument:
    """Returns an argument that names a run, a dataset or a method."""
    return Argument("a name without path separators", is_bare_name, required)


def file_name(stem: str | None, *suffixes: str, required: bool = True) -> Argument:
    """Returns an argument that names a file in the task's own directory.

    Args:
        stem: of the name; None for any.
        suffixes: in lower case, with the dot.
    """

    def is_valid(value: Any) -> bool:
        if not is_bare_name(value):
            return False
        file = Path(value)
        return file.suffix in suffixes and stem in (None, file.stem)

    return Argument(f"a file name that ends in {' or '.join(suffixes)}", is_valid, required)


def absolute_path(*, required: bool = True) -> Argument:
    """Returns an argument that is the absolute path of something to read."""

    def is_valid(value: Any) -> bool:
        return isinstance(value, str) and "\0" not in value and Path(value).is_absolute()

    return Argument("an absolute path", is_valid, required)


def text(*, required: bool = True) -> Argument:
    """Returns an argument that is only shown."""

    def is_valid(value: Any) -> bool:
        return isinstance(value, str) and len(value) <= _MAX_TEXT

    return Argument(f"text of at most {_MAX_TEXT:,} characters", is_valid, required)


def one_of(*values: str) -> Argument:
    """Returns an argument with one of these values."""
    return Argument(
        f"one of {', '.join(values)}", lambda value: isinstance(value, str) and value in values
    )


def flag(*, required: bool = True) -> Argument:
    """Returns an argument that is true or false."""
    return Argument("true or false", lambda value: isinstance(value, bool), required)


def integer(lowest: int, highest: int, *, required: bool = True) -> Argument:
    """Returns an argument that is a whole number of this range, ends included."""

    def is_valid(value: Any) -> bool:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return is_whole and lowest <= value <= highest

    return Argument(f"a whole number from {lowest:,} to {highest:,}", is_valid, required)


def number(
    lowest: float, highest: float, *, required: bool = True, optional: bool = False
) -> Argument:
    """Returns an argument that is a number of this range, ends included.

    Args:
        optional: whether the value may be None.
    """

    def is_valid(value: Any) -> bool:
        if value is None:
            return optional
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and lowest <= value <= highest  # neither NaN nor infinite

    return Argument(f"a number from {lowest:g} to {highest:g}", is_valid, required)


def record(fields: Mapping[str, Argument], *, required: bool = True) -> Argument:
    """Returns an argument that is a JSON object of these fields."""

    def is_valid(value: Any) -> bool:
        try:
            check(fields, value if isinstance(value, dict) else {"": value})
        except FerError:
            return False
        return True

    return Argument(f"an object of {', '.join(fields)}", is_valid, required)
