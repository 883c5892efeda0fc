"""A photo in many sizes on few sheets."""

import numpy as np
import pytest
from skimage import data

from fer_core.vision.image_pyramid import BORDER, GRAY, SHEETS, build_pyramid
from fer_core.vision.images import resize

ASTRONAUT = data.astronaut()


@pytest.mark.parametrize(("height", "width"), [(480, 640), (640, 360), (37, 300), (20, 20)])
@pytest.mark.parametrize("scale", [1.0, 0.6])
def test_the_sizes_do_not_overlap_and_have_gray_margins(
    height: int, width: int, scale: float
) -> None:
    image = np.maximum(resize(ASTRONAUT, height, width), GRAY + 1)  # no gray of its own
    laid = build_pyramid(image, scale)
    assert len(laid.sheets) == SHEETS
    left_over = [np.full(sheet.shape[:2], True) for sheet in laid.sheets]
    for number, left, top, right, bottom, across, down in laid.places:
        inner = np.s_[int(top) + BORDER : int(bottom) - BORDER]
        beside = np.s_[int(left) + BORDER : int(right) - BORDER]
        picture = laid.sheets[int(number)][inner, beside]
        assert left_over[int(number)][inner, beside].all(), "Two sizes overlap."
        left_over[int(number)][inner, beside] = False
        assert picture.shape[:2] == (round(height / down), round(width / across))
        assert (left % 2, top % 2) == (0, 0)
        assert picture.mean() == pytest.approx(image.mean(), abs=4)
    for sheet, empty in zip(laid.sheets, left_over, strict=True):
        assert (sheet[empty] == GRAY).all()


def test_each_size_has_half_the_area_of_the_previous_one() -> None:
    laid = build_pyramid(resize(ASTRONAUT, 480, 640), 0.6)
    assert laid.places[0, 5:] == pytest.approx(1 / 0.6, rel=0.01)
    assert laid.places[1:, 5] / laid.places[:-1, 5] == pytest.approx(1 / 0.709, rel=0.1)
    assert 480 / laid.places[-1, 6] * 0.709 < 12


def test_the_sheets_are_densely_packed() -> None:
    laid = build_pyramid(resize(ASTRONAUT, 480, 640), 0.6)
    pictures = (640 * 480 / laid.places[:, 5] / laid.places[:, 6]).sum()
    assert sum(sheet[..., 0].size for sheet in laid.sheets) < 1.25 * pictures


def test_a_photo_smaller_than_the_window_has_no_sizes() -> None:
    laid = build_pyramid(np.zeros((8, 300, 3), np.uint8), 1.0)
    assert laid.places.shape == (0, 7)
    assert len(laid.sheets) == SHEETS
