"""Describes a setting beside its field: its label, help and range, for the form and the CLI."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from fer_core.errors import FerError

_KEY = "setting"


@dataclass(frozen=True)
class Setting:
    """Describes a field of `TrainConfig` or `Augmentation`: meaning, range and form control."""

    label: str
    help: str
    low: float | None = None  # smallest and largest number
    high: float | None = None
    choices: Mapping[str, str] | None = None  # possible values and their labels
    step: float | None = None  # of the form's − and + buttons; by default 1 for integers
    group: str = ""  # of the form; without one, the form has a field of its own for the setting
    applies: Callable[[Any], bool] = lambda config: True  # to a TrainConfig; else it is not shown
    option: str = ""  # of the command line, where it is not named after the field
    metavar: str | tuple[str, ...] | None = None  # of that option


def setting(default: Any, label: str, help: str, **more: Any) -> Any:
    """Returns a dataclass field with a default and a `Setting`, whose other fields are `more`."""
    return field(default=default, metadata={_KEY: Setting(label, help, **more)})


def settings_of(record: type) -> dict[str, Setting]:
    """Returns the settings of a dataclass by the names of their fields, in order."""
    return {entry.name: entry.metadata[_KEY] for entry in fields(record) if _KEY in entry.metadata}


def check_settings(record: Any) -> None:
    """Checks ranges and choices of all settings of a dataclass instance; None is always allowed.

    Raises:
        FerError: a number is out of its range, or a text is not one of the choices.
    """
    for name, described in settings_of(type(record)).items():
        value = getattr(record, name)
        if described.choices is not None and value not in described.choices:
            choices = " or ".join(described.choices)
            raise FerError(f"`{name}` must be {choices}. Received: {value!r}")
        if described.low is not None and described.high is not None and value is not None:
            check_within(name, value, described.low, described.high)


def check_within(name: str, value: float, low: float, high: float) -> None:
    """Checks that a number is in [low, high].

    Raises:
        FerError: it is not.
    """
    if not low <= value <= high:
        raise FerError(f"`{name}` must be from {low:g} to {high:g}. Received: {value}")
