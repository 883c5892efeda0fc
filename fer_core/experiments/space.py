"""The settings that vary in a sweep: lists and ranges, and how trials are drawn from them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

import numpy as np

from fer_core.errors import FerError
from fer_core.runs import MAX_TRIALS
from fer_core.storage import Number

Value = str | bool | int | float | None
_LARGEST = 1e15  # end of a range; NumPy draws no whole numbers beyond 64 bits
Settings = dict[str, Any]  # by the names of `TrainConfig` and `Augmentation`


@dataclass(frozen=True)
class Dimension:
    """Says which values a setting takes: those of a list, or any in a range.

    Raises:
        FerError: it has neither or both, the range is empty or endless, or a logarithmic one begins
            at 0.
    """

    values: tuple[Value | list[Value], ...] = ()
    low: Number | None = None
    high: Number | None = None
    log: bool = False  # every factor is as likely as any other
    whole: bool = False  # whole numbers only

    def __post_init__(self) -> None:
        if self.values:
            self._check_list()
        else:
            self._check_range()

    def _check_list(self) -> None:
        if self.low is not None or self.high is not None or self.log:
            raise FerError("A setting varies over a list or over a range, not over both.")
        if len({repr(value) for value in self.values}) < len(self.values):
            raise FerError(f"The values of a list must differ. Received: {self}")

    def _check_range(self) -> None:
        if self.low is None or self.high is None:
            raise FerError(
                f"A setting must vary over a list of values or over a range. Received: {self}"
            )
        if not self.low < self.high:
            raise FerError(f"A range must go from a smaller to a larger number. Received: {self}")
        if max(abs(self.low), abs(self.high)) > _LARGEST:
            raise FerError(f"A range must end within ±{_LARGEST:g}. Received: {self}")
        if self.log and self.low <= 0:
            raise FerError(f"A logarithmic range must begin above 0. Received: {self}")
        if self.whole and not (float(self.low).is_integer() and float(self.high).is_integer()):
            raise FerError(f"A range of whole numbers must have whole ends. Received: {self}")

    def __str__(self) -> str:
        if self.values or self.low is None or self.high is None:
            return ", ".join(map(str, self.values)) or "nothing"
        return f"{self.low:g} to {self.high:g}{', logarithmic' if self.log else ''}"

    @property
    def ends(self) -> tuple[Any, ...]:
        """Returns the values to check before a sweep: all of a list, or both ends of a range."""
        return self.values or (self.rounded(self.low or 0.0), self.rounded(self.high or 0.0))

    def draw(self, rng: np.random.Generator) -> Any:
        """Returns a random value."""
        if self.values:
            return self.values[int(rng.integers(len(self.values)))]
        low, high = self.low or 0.0, self.high or 0.0
        if self.whole and not self.log:
            return int(rng.integers(int(low), int(high) + 1))
        if self.log:
            value = math.exp(rng.uniform(math.log(low), math.log(high)))
        else:
            value = rng.uniform(low, high)
        return self.rounded(min(max(value, low), high))

    def rounded(self, value: float) -> float:
        """Returns a number with the digits that a person reads, within the range."""
        if self.whole:
            return round(value)
        rounded = float(f"{value:.4g}")
        return rounded if (self.low or 0.0) <= rounded <= (self.high or 0.0) else value


def grid(space: Mapping[str, Dimension]) -> list[Settings]:
    """Returns the settings of every combination, the last setting varying fastest.

    Raises:
        FerError: a setting varies over a range, or there are more than `MAX_TRIALS` combinations.
    """
    ranges = [name for name, dimension in space.items() if not dimension.values]
    if ranges:
        raise FerError(f"A grid needs a list of values for each setting. A range: {ranges[0]}")
    number = math.prod(len(dimension.values) for dimension in space.values())
    if number > MAX_TRIALS:
        raise FerError(
            f"A grid may have at most {MAX_TRIALS} combinations. Received: {number:,}. Take fewer "
            "values, or draw them at random."
        )
    combinations = product(*(dimension.values for dimension in space.values()))
    return [dict(zip(space, values, strict=True)) for values in combinations]


def random_settings(space: Mapping[str, Dimension], count: int, seed: int) -> list[Settings]:
    """Returns `count` random settings; the first ones do not depend on `count`.

    Settings that were drawn before are drawn again, as far as there are others.
    """
    found: dict[str, Settings] = {}
    rng = np.random.default_rng(seed)
    for _ in range(20 * count):
        drawn = {name: dimension.draw(rng) for name, dimension in space.items()}
        found.setdefault(repr(drawn), drawn)
        if len(found) >= count:
            break
    return list(islice(found.values(), count))
