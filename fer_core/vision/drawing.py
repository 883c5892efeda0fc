"""Draws on images what was found in them."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from fer_core.vision.images import Box, resize

SMALLEST_LETTERS = 8  # pixels
SCREEN = (640, 1600)  # pixels of the longer side of a picture for the screen, at least and at most
_WARM, _WARMEST = (255, 90, 0), 0.7  # the colour of a weight of 1, and how much of it covers


def draw_boxes(
    image: np.ndarray,
    boxes: Sequence[Box],
    labels: Sequence[str],
    colors: Sequence[str],
    longest: tuple[int, int] = SCREEN,
) -> np.ndarray:
    """The image for the screen, with one labelled rectangle per box; colours as "#rrggbb".

    An empty label is not drawn; of one with letters that the font lacks only the part before the
    first space is. The picture's longer side is brought into the range `longest`, in pixels:
    labels need room in a small picture, and a screen has no use for 64 megapixels.
    """
    height, width = image.shape[:2]
    factor = min(max(height, width, longest[0]), longest[1]) / max(height, width)
    resized = resize(image, max(1, round(height * factor)), max(1, round(width * factor)))
    canvas = Image.fromarray(resized)
    draw = ImageDraw.Draw(canvas)
    boxes = [box.scaled(factor) for box in boxes]
    for box, color in zip(boxes, colors, strict=True):
        line = max(2, min(round(max(canvas.size) / 250), box.width // 12))
        corner = box.x + box.width - 1, box.y + box.height - 1
        draw.rectangle((box.x, box.y, *corner), outline=color, width=line)
    # After all rectangles: no line crosses a word.
    words = [label if _can_write(label) else label.split(" ")[0] for label in labels]
    for box, label, color in zip(boxes, words, colors, strict=True):
        if label:
            _draw_label(draw, canvas.size, box, label, color)
    return np.asarray(canvas)


def overlay_heatmap(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The image, uint8 RGB, the warmer where the weights, (height, width) in [0, 1], are high."""
    shares = _WARMEST * resize(weights.astype("float32"), *image.shape[:2]).clip(0, 1)[..., None]
    return np.rint(image * (1 - shares) + np.array(_WARM) * shares).astype("uint8")


def tile(images: np.ndarray, side: int, gap: int = 6) -> np.ndarray:
    """Images (rows, columns, height, width, channels) as one, uint8 RGBA, on nothing between them.

    Each is as large as its pixels allow within `side` of the screen: faces are small, and every
    pixel of them shall be seen as the network gets it.
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
    """Above the box, or below it at the upper border; inside the picture of (width, height)."""
    letters = max(12, min(round(max(size) / 28), round(box.width / 4)))
    font = _fitting_font(draw, label, letters, size[0])
    left, top, right, bottom = draw.textbbox((0, 0), label, font=font)
    pad = max(2, round((bottom - top) / 3))
    width, height = round(right - left) + 2 * pad, round(bottom - top) + 2 * pad
    x = max(0, min(box.x, size[0] - width))
    y = box.y - height if box.y >= height else min(box.y + box.height, size[1] - height)
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=color)
    draw.text((x + pad - left, y + pad - top), label, font=font, fill=_contrasting(color))


def _fitting_font(
    draw: ImageDraw.ImageDraw, label: str, letters: int, width: int
) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font with letters of a size in pixels, or smaller ones if the label is too wide."""
    while True:
        font = ImageFont.load_default(letters)
        if letters <= SMALLEST_LETTERS or draw.textlength(label, font) + letters < width:
            return font
        letters -= 1


@lru_cache
def _can_write(label: str) -> bool:
    """Whether the font has a shape for every letter."""
    font = ImageFont.load_default(2 * SMALLEST_LETTERS)
    missing = bytes(font.getmask("\U0010ffff"))  # what stands for a letter that it lacks
    return all(bytes(font.getmask(letter)) != missing for letter in set(label))


def _contrasting(color: str) -> str:
    """Black or white, whichever stands out more from a colour (WCAG 2.2's relative luminance)."""
    red, green, blue = ((value / 255) ** 2.2 for value in ImageColor.getrgb(color)[:3])
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "black" if luminance > 0.179 else "white"
