"""Reads the pixels of images from the cells of a table, in the forms that programs write."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MIN_SIDE, MAX_SIDE = 16, 1_000  # pixels
_MAX_CELL = 3 * 8 * MAX_SIDE * MAX_SIDE  # characters; more are more pixels
_TRIED = 20  # images that the form is found from
_MARKS = str.maketrans("[](){},;\n\r\t'\"", " " * 13)


@dataclass(frozen=True)
class PixelForm:
    """Describes how a table stores the pixels of its images."""

    side: int  # height and width of the images in pixels
    channels: int = 1  # 3 for red, green and blue
    planar: bool = False  # all red values come first, not the three values of each pixel
    unit: bool = False  # values from 0 to 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Returns the shape of an image as it is stored."""
        return (self.side, self.side) if self.channels == 1 else (self.side, self.side, 3)

    @property
    def size(self) -> int:
        """Returns the number of values of an image."""
        return self.side * self.side * self.channels

    def parse(self, text: str) -> tuple[np.ndarray, str]:
        """Returns an image, uint8, and what is wrong with the text, if anything."""
        length = self.size
        values = _parse(text, np.int64)  # six times as fast as `numbers_in`
        if values.size != length:
            values = numbers_in(text)
        if values.size != length:
            return np.zeros(self.shape, np.uint8), f"without exactly {length:,} numbers"
        highest = 1 if self.unit else 255
        if not (values.min() >= 0 and values.max() <= highest):  # not a number is neither
            return np.zeros(self.shape, np.uint8), f"with values outside 0 to {highest}"
        if values.dtype != np.int64 or self.unit:
            values = np.rint(values * (255 if self.unit else 1))
        pixels = values.astype(np.uint8)
        if self.planar:
            return pixels.reshape(3, self.side, self.side).transpose(1, 2, 0), ""
        return pixels.reshape(self.shape), ""


def numbers_in(text: str) -> np.ndarray:
    """Returns the numbers in a cell, separated by spaces or commas, in any brackets.

    Empty if the cell has something else.
    """
    if not text.isascii():
        return np.zeros(0)
    return _parse(text.translate(_MARKS), np.float64)


def _parse(text: str, dtype: type[np.generic]) -> np.ndarray:
    """Returns the numbers before the first that is none."""
    try:
        return np.fromstring(text, dtype, sep=" ")
    except ValueError:
        return np.zeros(0)


def find_form(cells: Sequence[str]) -> PixelForm | None:
    """Finds the form of the first images that have square ones; None if none has."""
    images = [numbers_in(cell[:_MAX_CELL]) for cell in cells[:_TRIED]]
    for image in images:
        for channels in (1, 3):
            side = math.isqrt(image.size // channels)
            if MIN_SIDE <= side <= MAX_SIDE and side * side * channels == image.size:
                same = [each for each in images if each.size == image.size]
                unit = all(each.max() <= 1 for each in same) and any(
                    (each % 1 != 0).any() for each in same
                )
                planar = channels == 3 and all(_is_planar(each, side) for each in same)
                return PixelForm(side, channels, planar, unit)
    return None


def _is_planar(values: np.ndarray, side: int) -> bool:
    """Returns whether neighbors are more alike if each color is taken for a plane of its own."""
    planes = values.reshape(3, side, side).transpose(1, 2, 0)
    pixels = values.reshape(side, side, 3)
    steps = [np.abs(np.diff(each, axis=1)).mean() for each in (planes, pixels)]
    return bool(steps[0] < steps[1])
