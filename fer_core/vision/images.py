"""Reading and cropping images; RGB everywhere, BGR never leaves."""

import contextlib
import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from fer_core.errors import FerError

MAX_PIXELS = 64_000_000  # a larger photo decodes to more than 190 MB
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff"})
# Pillow reads more, some of it by starting other programs (EPS): not from a stranger's upload.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's parsers raise on damaged files.
_DAMAGE: tuple[type[Exception], ...] = (OSError, EOFError, SyntaxError, ValueError, TypeError)
_DAMAGE += (LookupError, ArithmeticError, struct.error, zlib.error, Image.DecompressionBombError)

# Once, here: `warnings.catch_warnings` is not safe where threads decode side by side.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; `x, y` is its upper left corner. It may leave the image."""

    x: int
    y: int
    width: int
    height: int

    def scaled(self, factor: float) -> "Box":
        """The same rectangle in the image scaled by a factor; at least one pixel a side."""
        x, y = round(self.x * factor), round(self.y * factor)
        right, bottom = (self.x + self.width) * factor, (self.y + self.height) * factor
        return Box(x, y, max(1, round(right) - x), max(1, round(bottom) - y))


def decode(source: bytes | Path, name: str = "") -> np.ndarray:
    """A picture as uint8 RGB of shape (height, width, 3), upright as its EXIF orientation says.

    Gray, palette, CMYK and 16-bit pictures are converted, transparent ones laid on white; of an
    animation it is the first frame. Colour profiles are ignored. The array is read-only.

    Raises:
        FerError: not a picture, damaged, of more than `MAX_PIXELS` pixels, or of 32 bits a
            channel, since nothing in such a file says which value is white.
    """
    name = name or (source.name if isinstance(source, Path) else "The image")
    try:
        file = io.BytesIO(source) if isinstance(source, bytes) else source
        with Image.open(file, formats=_FORMATS) as image:
            refusal = _refusal(image)
            if not refusal:
                return np.asarray(_upright_rgb(image))
    except _DAMAGE as error:
        raise FerError(f"{name} cannot be read as an image: {_reason(error, source)}.") from error
    raise FerError(f"{name} {refusal}")


def face_pixels(
    image: np.ndarray, image_size: tuple[int, int], channels: int, *, gray: bool = False
) -> np.ndarray:
    """The network's pixels of a picture of a face: uint8 in [0, 255], (height, width, channels).

    The one way from a picture to a network's input, in training and in recognition alike.

    Args:
        image: uint8 RGB, (any height, any width, 3).
        image_size: (height, width) in pixels.
        channels: 1 for gray (ITU-R BT.601 luma; what was gray comes back exactly), 3 for RGB.
        gray: takes the colours out of three channels, too, for a network that never saw any.

    Raises:
        FerError: the image is not uint8 RGB.
    """
    check_rgb(image)
    height, width = image_size
    if channels == 1 or gray:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    pixels = resize(image, height, width)
    return np.broadcast_to(pixels.reshape(height, width, -1), (height, width, channels))


def check_rgb(image: np.ndarray) -> None:
    """Raises ValueError unless the image is uint8 of shape (height, width, 3), not empty."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise FerError(
            "The image must be uint8 RGB of shape (height, width, 3). "
            f"Received: {image.dtype} of shape {image.shape}"
        )


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The uint8 image, gray or RGB, in another size; the same array where it has it already."""
    if image.shape[:2] == (height, width):
        return image
    shrinks = image.shape[0] * image.shape[1] > height * width
    # Area averages what cubic would skip over; cubic is smoother than area's blocks upwards.
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(image, (width, height), interpolation=method)


def crop_face(image: np.ndarray, box: Box, margin: float = 0.0, turned: float = 0.0) -> np.ndarray:
    """The square of side max(width, height) × (1 + margin) around the box's centre.

    Where it leaves the image, the border pixels are repeated. uint8 RGB in, uint8 RGB out.

    Args:
        turned: degrees by which the square, and what is in it, stands clockwise; it comes upright.

    Raises:
        FerError: the box is empty or lies wholly outside the image.
    """
    height, width = image.shape[:2]
    overlaps = -box.width < box.x < width and -box.height < box.y < height
    if min(box.width, box.height) < 1 or not overlaps:
        raise FerError(f"The box must overlap the image of {width}×{height}. Received: {box}")
    side = max(1, round(max(box.width, box.height) * (1 + margin)))
    if turned:
        return _turned_back(image, box, side, turned)
    left = round(box.x + (box.width - side) / 2)
    top = round(box.y + (box.height - side) / 2)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    return image[rows[:, None], columns]


def _turned_back(image: np.ndarray, box: Box, side: int, turned: float) -> np.ndarray:
    """The square of that side around the box's centre that stands clockwise by some degrees."""
    # Of pixels, whose centres are at whole numbers.
    x, y = box.x + (box.width - 1) / 2, box.y + (box.height - 1) / 2
    about_centre = cv2.getRotationMatrix2D((x, y), turned, 1.0)
    middle = (side - 1) / 2
    matrix = about_centre + np.array([[0, 0, middle - x], [0, 0, middle - y]])
    size = (side, side)
    return cv2.warpAffine(
        image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def encode(image: np.ndarray, format: str = "PNG") -> bytes:
    """The image, uint8 RGB or gray, as a file of format "PNG" or "JPEG"."""
    buffer = io.BytesIO()
    Image.fromarray(image.squeeze()).save(buffer, format, quality=90)
    return buffer.getvalue()


def _refusal(image: Image.Image) -> str:
    """What is wrong with a picture that can be read, by its header alone; "" where nothing is."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        return (
            f"must have at most {MAX_PIXELS // 1_000_000} megapixels. "
            f"Received: {width}×{height}, {width * height / 1e6:.0f} megapixels."
        )
    if image.mode in ("I", "F"):
        return "must have 8 or 16 bits a channel. Received: 32 bits."
    return ""


def _reason(error: Exception, source: bytes | Path) -> str:
    if isinstance(error, OSError) and error.strerror:  # the system's own word on a path
        return error.strerror.lower()
    if not (source if isinstance(source, bytes) else source.stat().st_size):
        return "it is empty"
    if isinstance(error, UnidentifiedImageError):
        return f"it is none of {', '.join(_FORMATS)}"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {MAX_PIXELS // 1_000_000} megapixels"
    return "the file is truncated" if "truncated" in str(error).lower() else "the file is damaged"


def _upright_rgb(image: Image.Image) -> Image.Image:
    image.load()
    with contextlib.suppress(*_DAMAGE):  # broken EXIF data does not spoil a whole picture
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        if orientation in _UPRIGHT:
            image = image.transpose(_UPRIGHT[orientation])
    if image.mode.startswith("I;16"):
        # Divided by the format's range, never by the picture's own: 65535 / 257 = 255.
        values = np.rint(np.asarray(image).astype(np.float64) / 257)
        return Image.fromarray(values.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")  # the same picture where it is RGB already
