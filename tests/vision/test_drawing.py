"""Drawing boxes and labels."""

import numpy as np
import pytest

from fer_core import expressions
from fer_core.vision.drawing import draw_boxes, overlay_heatmap, tile
from fer_core.vision.images import Box

BLUE = "#0072B2"


def drawn(height: int, width: int, box: Box, label: str = "1 surprise") -> np.ndarray:
    return draw_boxes(np.full((height, width, 3), 90, np.uint8), [box], [label], [BLUE])


def where(image: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return (image == color).all(axis=-1)


def test_drawing_does_not_modify_the_image() -> None:
    image = np.full((700, 900, 3), 90, np.uint8)
    draw_boxes(image, [Box(100, 100, 200, 200)], ["1 happy"], [BLUE])
    assert (image == 90).all()


def test_without_faces_nothing_is_drawn() -> None:
    image = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    assert (draw_boxes(image, [], [], []) == image).all()


def test_the_rectangle_is_drawn_on_the_box() -> None:
    colored = where(drawn(700, 900, Box(300, 200, 240, 240)), (0, 0x72, 0xB2))
    rows, columns = np.nonzero(colored[200:])
    assert (columns.min(), columns.max()) == (300, 539)
    assert rows.max() == 239
    assert not colored[250:390, 350:490].any()  # the face itself is free


@pytest.mark.parametrize(
    ("height", "width", "shape"),
    [
        (48, 48, (640, 640)),
        (700, 900, (700, 900)),
        (3000, 4000, (1200, 1600)),
        (2, 3000, (1, 1600)),
    ],
)
def test_the_longer_side_is_limited_to_screen_size(
    height: int, width: int, shape: tuple[int, int]
) -> None:
    assert drawn(height, width, Box(0, 0, 40, 40)).shape == (*shape, 3)


@pytest.mark.parametrize(
    "box",
    [
        Box(-20, -20, 60, 60),
        Box(850, 650, 100, 100),
        Box(880, 0, 30, 30),
        Box(0, 690, 10, 10),
        Box(-50, -50, 2000, 2000),
    ],
)
def test_labels_are_drawn_inside_the_image(box: Box) -> None:
    inside = where(drawn(700, 900, Box(400, 300, box.width, box.height)), (255, 255, 255)).sum()
    assert where(drawn(700, 900, box), (255, 255, 255)).sum() >= 0.9 * inside > 0


def test_a_long_name_is_shortened_to_fit() -> None:
    image = drawn(1000, 200, Box(10, 500, 180, 180), label="12 " + "concentration " * 2)
    ink = where(image, (255, 255, 255))
    assert ink.any()
    assert not ink[:, -2:].any()


@pytest.mark.parametrize("name", ["радость", "怒り", "happy 怒"])
def test_a_label_that_the_font_lacks_is_reduced_to_its_number(name: str) -> None:
    box = Box(300, 200, 240, 240)
    assert (drawn(700, 900, box, f"12 {name}") == drawn(700, 900, box, "12")).all()
    assert (drawn(700, 900, box, "12 happy") != drawn(700, 900, box, "12")).any()


@pytest.mark.parametrize("expression", expressions.EXPRESSIONS)
def test_a_label_contrasts_with_its_background(expression: str) -> None:
    color = expressions.COLORS[expression]
    image = draw_boxes(
        np.full((700, 900, 3), 90, np.uint8), [Box(300, 300, 200, 200)], ["MMMM"], [color]
    )
    ground = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)])
    ink = 255 if where(image, (255, 255, 255)).any() else 0
    assert contrast(ground, np.full(3, ink)) >= 4.5  # WCAG 2.2, level AA


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    def luminance(color: np.ndarray) -> float:
        share = color / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_tiles_enlarge_pixels_without_interpolation() -> None:
    images = np.arange(2 * 3 * 4 * 4, dtype="uint8").reshape(2, 3, 4, 4, 1)
    whole = tile(images, side=10, gap=3)  # each pixel twice as large
    assert whole.shape == (2 * 8 + 3, 3 * 8 + 2 * 3, 4)
    last = whole[11:19, 22:30]
    assert (last[..., 3] == 255).all() and (last[::2, ::2, 0] == images[1, 2, :, :, 0]).all()
    assert (last[1::2, 1::2, 2] == images[1, 2, :, :, 0]).all()
    assert not whole[8:11].any() and not whole[:, 8:11].any()
    colored = tile(np.full((1, 1, 30, 20, 3), [10, 20, 30], "uint8"), side=10)
    assert colored.shape == (30, 20, 4) and colored[0, 0].tolist() == [10, 20, 30, 255]


def test_heatmaps_are_warm_where_weights_are_high() -> None:
    image = np.full((40, 60, 3), 100, "uint8")
    weights = np.zeros((4, 6), "float32")
    weights[:, :3] = 1
    warmed = overlay_heatmap(image, weights)
    assert warmed.shape == image.shape and warmed.dtype == np.uint8
    assert warmed[20, 58].tolist() == [100, 100, 100]
    assert warmed[20, 3].tolist() == [208, 93, 30]
    assert (image == 100).all()
