"""Draws boxes, labels and heatmaps on images, and tiles small images into one."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from fer_core.vision.images import Box, resize

MIN_FONT_SIZE = 8  # pixels
SCREEN_SIDE = (640, 1600)  # minimum and maximum of the longer side on the screen, in pixels
_HEAT_COLOR, _HEAT_OPACITY = (255, 90, 0), 0.7  # where the weight is 1


def draw_boxes(
    image: np.ndarray,
    boxes: Sequence[Box],
    labels: Sequence[str],
    colors: Sequence[str],
    side_range: tuple[int, int] = SCREEN_SIDE,
) -> np.ndarray:
    """Returns the image, resized for the screen, with a labeled rectangle per box.

    Empty labels are not drawn. A label with characters that the font lacks is cut at its first
    space.

    Args:
        colors: of the boxes, as "#rrggbb".
        side_range: minimum and maximum of the longer side, in pixels. Labels need room in a small
            image, and a screen has no use for 64 megapixels.
    """
    height, width = image.shape[:2]
    factor = min(max(height, width, side_range[0]), side_range[1]) / max(height, width)
    resized = resize(image, max(1, round(height * factor)), max(1, round(width * factor)))
    canvas = Image.fromarray(resized)
    draw = ImageDraw.Draw(canvas)
    boxes = [box.scaled(factor) for box in boxes]
    for box, color in zip(boxes, colors, strict=True):
        line = max(2, min(round(max(canvas.size) / 250), box.width // 12))
        corner = box.x + box.width - 1, box.y + box.height - 1
        draw.rectangle((box.x, box.y, *corner), outline=color, width=line)
    # After all rectangles, so that no line crosses a label.
    texts = [label if _can_write(label) else label.split(" ")[0] for label in labels]
    for box, label, color in zip(boxes, texts, colors, strict=True):
        if label:
            _draw_label(draw, canvas.size, box, label, color)
    return np.asarray(canvas)


def overlay_heatmap(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Blends an orange heatmap into a uint8 RGB image; weights are (height, width) in [0, 1]."""
    opacity = (
        _HEAT_OPACITY * resize(weights.astype("float32"), *image.shape[:2]).clip(0, 1)[..., None]
    )
    return np.rint(image * (1 - opacity) + np.array(_HEAT_COLOR) * opacity).astype("uint8")


def tile(images: np.ndarray, side: int, gap: int = 6) -> np.ndarray:
    """Tiles images (rows, columns, height, width, channels) into one, uint8 RGBA.

    Gaps are transparent. Each image is enlarged by a whole factor to at most `side` pixels, so
    that every pixel shows as the model gets it.
    """
    rows, columns, height, width, channels = images.shape
    factor = max(1, side // max(height, width))
    large = images.repeat(factor, axis=2).repeat(factor, axis=3)
    high, wide = height * factor, width * factor
    whole = np.zeros((rows * (high + gap) - gap, columns * (wide + gap) - gap, 4), "uint8")
    for row in range(rows):
        for column in range(columns):
            top, left = row * (high + gap), column * (wide + gap)
            place = whole[top : top + high, left : left + wide]
            place[..., :3] = large[row, column][..., :channels]
            place[..., 3] = 255
    return whole


def _draw_label(
    draw: ImageDraw.ImageDraw, size: tuple[int, int], box: Box, label: str, color: str
) -> None:
    """Draws a label above the box, or below it at the top edge; `size` is (width, height)."""
    font_size = max(12, min(round(max(size) / 28), round(box.width / 4)))
    font = _fitting_font(draw, label, font_size, size[0])
    left, top, right, bottom = draw.textbbox((0, 0), label, font=font)
    pad = max(2, round((bottom - top) / 3))
    width, height = round(right - left) + 2 * pad, round(bottom - top) + 2 * pad
    x = max(0, min(box.x, size[0] - width))
    y = box.y - height if box.y >= height else min(box.y + box.height, size[1] - height)
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=color)
    draw.text((x + pad - left, y + pad - top), label, font=font, fill=_contrasting(color))


def _fitting_font(
    draw: ImageDraw.ImageDraw, label: str, font_size: int, width: int
) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Returns the font in a size in pixels, or smaller if the label is wider than the image."""
    while True:
        font = ImageFont.load_default(font_size)
        if font_size <= MIN_FONT_SIZE or draw.textlength(label, font) + font_size < width:
            return font
        font_size -= 1


@lru_cache
def _can_write(label: str) -> bool:
    """Tells whether the font has a glyph for every character."""
    font = ImageFont.load_default(2 * MIN_FONT_SIZE)
    missing = bytes(font.getmask("\U0010ffff"))  # the glyph of a missing character
    return all(bytes(font.getmask(character)) != missing for character in set(label))


def _contrasting(color: str) -> str:
    """Returns black or white, whichever contrasts more (WCAG 2.2's relative luminance)."""
    red, green, blue = ((value / 255) ** 2.2 for value in ImageColor.getrgb(color)[:3])
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "black" if luminance > 0.179 else "white"
