"""Reading, cropping and drawing images; RGB everywhere, BGR never leaves."""

import contextlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

MAX_PIXELS = 64_000_000  # a larger photo decodes to more than 190 MB
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff"})


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of an image; `x, y` is its upper left corner. It may leave the image."""

    x: int
    y: int
    width: int
    height: int


def decode(source: bytes | Path, name: str = "") -> np.ndarray:
    """A picture as uint8 RGB of shape (height, width, 3), upright as its EXIF orientation says.

    Gray, palette, CMYK and 16-bit pictures are converted; transparent ones are laid on white.

    Raises:
        ValueError: not a picture, damaged, or of more than `MAX_PIXELS` pixels.
    """
    name = name or (source.name if isinstance(source, Path) else "the image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our limit is lower
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
                _check_size(image, name)
                return np.asarray(_upright_rgb(image))
    except FileNotFoundError:
        raise ValueError(f"{name} must be a file that exists. Received: {source}") from None
    except (OSError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        reason = "it is empty" if source == b"" else _reason(error)
        raise ValueError(f"{name} cannot be read as an image: {reason}.") from error


def face_pixels(image: np.ndarray, image_size: tuple[int, int], channels: int) -> np.ndarray:
    """The network's pixels of a picture of a face: uint8 in [0, 255], (height, width, channels).

    The one way from a picture to a network's input, in training and in recognition alike.

    Args:
        image: uint8 RGB, (any height, any width, 3).
        image_size: (height, width) in pixels.
        channels: 1 for gray (ITU-R BT.601 luma), 3 for RGB.
    """
    height, width = image_size
    if channels == 1:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if image.shape[:2] != (height, width):
        shrinks = image.shape[0] * image.shape[1] > height * width
        # Area averages what cubic would skip over; cubic is smoother than area's blocks upwards.
        method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        image = cv2.resize(image, (width, height), interpolation=method)
    return image.reshape(height, width, channels)


def crop_face(image: np.ndarray, box: Box, margin: float = 0.0) -> np.ndarray:
    """The square of side max(width, height) × (1 + margin) around the box's centre.

    Where it leaves the image, the border pixels are repeated. uint8 RGB in, uint8 RGB out.

    Raises:
        ValueError: the box is empty or lies wholly outside the image.
    """
    height, width = image.shape[:2]
    if min(box.width, box.height) < 1 or not (
        -box.width < box.x < width and -box.height < box.y < height
    ):
        raise ValueError(f"The box must overlap the image of {width}×{height}. Received: {box}")
    side = max(1, round(max(box.width, box.height) * (1 + margin)))
    left = round(box.x + (box.width - side) / 2)
    top = round(box.y + (box.height - side) / 2)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    return image[rows[:, None], columns]


def draw_boxes(
    image: np.ndarray, boxes: Sequence[Box], labels: Sequence[str], colors: Sequence[str]
) -> np.ndarray:
    """A copy of the image with one labelled rectangle per box; colours as "#rrggbb"."""
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    line = max(2, round(max(image.shape[:2]) / 300))
    for box, label, color in zip(boxes, labels, colors, strict=True):
        draw.rectangle(
            (box.x, box.y, box.x + box.width, box.y + box.height), outline=color, width=line
        )
        _draw_label(draw, box, label, color, size=max(11, line * 5, round(box.width / 9)))
    return np.asarray(canvas)


def encode_png(image: np.ndarray) -> bytes:
    """The image, uint8 RGB or gray, as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image.squeeze()).save(buffer, format="PNG")
    return buffer.getvalue()


def _check_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ValueError(
            f"{name} must have at most {MAX_PIXELS // 1_000_000} megapixels. "
            f"Received: {width}×{height}, {width * height / 1e6:.0f} megapixels"
        )


def _reason(error: Exception) -> str:
    text = str(error).lower()
    if isinstance(error, Image.UnidentifiedImageError):
        return "its content is no known image format"
    return "the file is truncated" if "truncated" in text else "the file is damaged"


def _upright_rgb(image: Image.Image) -> Image.Image:
    image.load()
    # Broken EXIF data does not spoil a whole picture.
    with contextlib.suppress(OSError, SyntaxError, ValueError, KeyError, TypeError):
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """A gray image of 16 bits, brought to 8; never scaled by its own values."""
    values = np.asarray(image).astype(np.float64) / 257
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8)).convert("RGB")


def _draw_label(draw: ImageDraw.ImageDraw, box: Box, label: str, color: str, size: int) -> None:
    font = ImageFont.load_default(size)
    left, top, right, bottom = draw.textbbox((0, 0), label, font=font)
    width, height = right - left + size // 2, bottom - top + size // 2
    y = box.y - height if box.y >= height else box.y
    x = max(0, min(box.x, draw.im.size[0] - width))
    draw.rectangle((x, y, x + width, y + height), fill=color)
    draw.text((x + size // 4 - left, y + size // 4 - top), label, font=font, fill="white")
