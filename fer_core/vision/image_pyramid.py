"""A photo in many sizes, laid side by side on few sheets for a network to walk over."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from fer_core.vision.images import resize

GRAY = 128  # of the space between pictures
BORDER = 4  # pixels of it around each: what the image cuts off is found, too
SHEETS = 3  # the two largest pictures have one each: so little of a sheet is empty
_STEP = 0.709  # from one picture's sides to the next's: half the area
_LEAST = 9  # pixels of the shorter side of the smallest picture
_EMPTY = 16  # pixels a side of a sheet with nothing on it


@dataclass(frozen=True)
class Sheets:
    """The sheets and where on them each size of the photo lies."""

    sheets: list[np.ndarray]  # `SHEETS` of them, uint8 (height, width, 3)
    # float32 (sizes, 7): sheet; left, top, right, bottom with the border; pixels of the photo per
    # pixel of the picture, across and down
    places: np.ndarray


def lay_out(image: np.ndarray, scale: float) -> Sheets:
    """The sheets of a uint8 RGB image; its largest picture is the image scaled by a factor."""
    pictures = list(_pictures(image, scale))
    sheets, places = [], []
    for number in range(SHEETS):
        last = number == SHEETS - 1
        lie_here = pictures[number:] if last else pictures[number : number + 1]
        corners, size = _arranged([picture.shape[:2] for picture in lie_here])
        sheet = np.full((*size, 3), GRAY, np.uint8)
        for picture, (top, left) in zip(lie_here, corners, strict=True):
            height, width = picture.shape[:2]
            inner_top, inner_left = top + BORDER, left + BORDER
            sheet[inner_top : inner_top + height, inner_left : inner_left + width] = picture
            bottom, right = inner_top + height + BORDER, inner_left + width + BORDER
            per_pixel = image.shape[1] / width, image.shape[0] / height
            places.append((number, left, top, right, bottom, *per_pixel))
        sheets.append(sheet)
    return Sheets(sheets, np.array(places, np.float32).reshape(-1, 7))


def _pictures(image: np.ndarray, scale: float) -> Iterator[np.ndarray]:
    height, width = image.shape[:2]
    before = [image]
    while min(height, width) * scale >= _LEAST:
        # From one about twice as large: from the photo itself each would take as long as the first.
        picture = resize(before[-2:][0], round(height * scale), round(width * scale))
        before.append(picture)
        yield picture
        scale *= _STEP


def _arranged(sizes: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Upper left corners (top, left) of bordered pictures, largest first, and the sheet's size.

    The corners are even: a network that walks in steps of two pixels meets each alike.
    """
    spaces = [tuple(_even(side + 2 * BORDER) for side in size) for size in sizes]
    if not spaces:
        return [], (_EMPTY, _EMPTY)
    widths = list(accumulate(width for _, width in spaces))
    layouts = [_rows(spaces, width) for width in widths]
    return min(layouts, key=lambda layout: layout[1][0] * layout[1][1])


def _rows(
    spaces: list[tuple[int, ...]], width: int
) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Spaces (height, width) in rows, as lines of text, on a sheet of a width."""
    corners, top, left, below = [], 0, 0, spaces[0][0]
    for space in spaces:
        if left + space[1] > width:
            top, left, below = below, 0, below + space[0]
        corners.append((top, left))
        left += space[1]
    return corners, (below, width)


def _even(length: int) -> int:
    return length + length % 2
