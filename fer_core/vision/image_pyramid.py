"""Packs an image pyramid onto a few sheets, for a fully convolutional network."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from fer_core.vision.images import resize

GRAY = 128  # between the levels
BORDER = 4  # gray pixels around each level, so that faces cut off by the image are found too
SHEETS = 3  # the two largest levels get one each, which leaves little of a sheet empty
_STEP = 0.709  # ratio of the sides of successive levels: half the area
_MIN_SIDE = 9  # pixels of the shorter side of the smallest level
_EMPTY_SIDE = 16  # pixels of a sheet without a level


@dataclass(frozen=True)
class Sheets:
    """Holds the sheets, and where each level of the pyramid is on them."""

    sheets: list[np.ndarray]  # `SHEETS` of them, uint8 (height, width, 3)
    # float32 (levels, 7): sheet; left, top, right, bottom including the border; pixels of the image
    # per pixel of the level, horizontally and vertically
    places: np.ndarray


def build_pyramid(image: np.ndarray, scale: float) -> Sheets:
    """Packs the pyramid of a uint8 RGB image, whose largest level is the image times `scale`."""
    levels = list(_levels(image, scale))
    sheets, places = [], []
    for number in range(SHEETS):
        last = number == SHEETS - 1
        placed = levels[number:] if last else levels[number : number + 1]
        corners, size = _arrange([level.shape[:2] for level in placed])
        sheet = np.full((*size, 3), GRAY, np.uint8)
        for level, (top, left) in zip(placed, corners, strict=True):
            height, width = level.shape[:2]
            inner_top, inner_left = top + BORDER, left + BORDER
            sheet[inner_top : inner_top + height, inner_left : inner_left + width] = level
            bottom, right = inner_top + height + BORDER, inner_left + width + BORDER
            per_pixel = image.shape[1] / width, image.shape[0] / height
            places.append((number, left, top, right, bottom, *per_pixel))
        sheets.append(sheet)
    return Sheets(sheets, np.array(places, np.float32).reshape(-1, 7))


def _levels(image: np.ndarray, scale: float) -> Iterator[np.ndarray]:
    height, width = image.shape[:2]
    previous = [image]
    while min(height, width) * scale >= _MIN_SIDE:
        # From a level about twice as large: resizing the image itself takes longer each time.
        level = resize(previous[-2:][0], round(height * scale), round(width * scale))
        previous.append(level)
        yield level
        scale *= _STEP


def _arrange(sizes: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Returns the corners (top, left) of bordered levels, largest first, and the sheet's size.

    Corners are even, so that a network with a stride of two sees each level alike.
    """
    spaces = [tuple(_even(side + 2 * BORDER) for side in size) for size in sizes]
    if not spaces:
        return [], (_EMPTY_SIDE, _EMPTY_SIDE)
    widths = list(accumulate(width for _, width in spaces))
    layouts = [_arrange_in_rows(spaces, width) for width in widths]
    return min(layouts, key=lambda layout: layout[1][0] * layout[1][1])


def _arrange_in_rows(
    spaces: list[tuple[int, ...]], width: int
) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Places spaces (height, width) in rows, like words in lines, on a sheet of a given width."""
    corners, top, left, bottom = [], 0, 0, spaces[0][0]
    for space in spaces:
        if left + space[1] > width:
            top, left, bottom = bottom, 0, bottom + space[0]
        corners.append((top, left))
        left += space[1]
    return corners, (bottom, width)


def _even(length: int) -> int:
    return length + length % 2
