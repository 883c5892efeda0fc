"""Reads, crops and resizes images. Arrays are RGB; BGR never leaves this file."""

import contextlib
import io
import math
import stat
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from fer_core.errors import FerError
from fer_core.vision.heif import HEIF_SUFFIXES, heif_formats, is_heif
from fer_core.vision.image_limits import (
    MAX_IMAGE_BYTES,
    MAX_PIXELS,
    check_size,
    checked_file,
    has_honest_tags,
)

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff"}
    | {".pgm", ".ppm", ".pnm", ".pbm"}
    | HEIF_SUFFIXES
)
# Pillow reads more formats, some by starting other programs (EPS): unsafe for uploads.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Pillow's parsers raise all of these on damaged files.
_DAMAGE: tuple[type[Exception], ...] = (OSError, EOFError, SyntaxError, ValueError, TypeError)
_DAMAGE += (LookupError, ArithmeticError, struct.error, zlib.error, Image.DecompressionBombError)
_DAMAGE += (AssertionError, AttributeError, RuntimeError)  # the last is libheif's too
_RAW_EXIF = "Raw profile type exif"  # where ImageMagick keeps a PNG's EXIF data, in hexadecimal

# Around the detector's box, as a share of its longer side. FER2013 is cropped like these boxes: on
# 300 of its images the longer side of the box is 1.05 of the image's (quartiles 0.95 and 1.15), and
# the centers agree.
MARGIN = 0.0

# Set once: `warnings.catch_warnings` is not thread-safe, and threads decode in parallel.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


# Returns an image decoded elsewhere, or None; gets the encoded file and the number of its pixels.
Decoder = Callable[[bytes, int], np.ndarray | None]


def _decode_here(data: bytes, pixels: int) -> None:
    return None


_decoder: Decoder = _decode_here


@dataclass(frozen=True)
class Box:
    """Describes a rectangle in pixels; `x, y` is its top left. It may extend beyond the image."""

    x: int
    y: int
    width: int
    height: int

    def scaled(self, factor: float) -> "Box":
        """Returns the box for the image scaled by a factor; at least one pixel a side."""
        x, y = round(self.x * factor), round(self.y * factor)
        right, bottom = (self.x + self.width) * factor, (self.y + self.height) * factor
        return Box(x, y, max(1, round(right) - x), max(1, round(bottom) - y))


def decode(
    source: bytes | Path, name: str = "", admit: Callable[[int], None] | None = None
) -> np.ndarray:
    """Decodes an image file to uint8 RGB (height, width, 3), upright by its EXIF orientation.

    Converts gray, palette, CMYK and 16-bit images, puts transparent ones on white, and takes the
    first frame of an animation. Ignores color profiles. The array is read-only.

    Args:
        admit: called with the number of pixels before they are decoded; may wait.

    Raises:
        FerError: the file is not an image, is damaged, exceeds a limit of `image_limits`, or has
            32 bits a channel, since such a file does not tell which value is white.
    """
    name = name or (source.name if isinstance(source, Path) else "The image")
    data = b""
    try:
        data = source if isinstance(source, bytes) else _read(source)
        return decode_bytes(data, admit)
    except FerError as error:
        raise FerError(f"{name} {error}") from error
    except OSError as error:
        raise FerError(f"{name} cannot be read as an image: {_reason(error, data)}.") from error


def decode_bytes(data: bytes, admit: Callable[[int], None] | None = None) -> np.ndarray:
    """Decodes an encoded image as `decode` does.

    Raises:
        FerError: as `decode`. The message is a clause that follows the file's name.
    """
    try:
        return _decode(data, admit)
    except FerError:
        raise
    except MemoryError as error:
        raise FerError("takes more memory than there is.") from error
    except _DAMAGE as error:
        raise FerError(f"cannot be read as an image: {_reason(error, data)}.") from error


def decode_with(decoder: Decoder) -> None:
    """Makes `decode` ask this function first; see `decoding_process`."""
    global _decoder  # noqa: PLW0603 (one for the process)
    _decoder = decoder


def _read(path: Path) -> bytes:
    """Reads a regular file within the size limit: reading a pipe or a device may never end."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, a socket or a device"
        raise FerError(f"cannot be read as an image: it is {kind}.")
    if status.st_size > MAX_IMAGE_BYTES:
        raise FerError(f"must have at most {MAX_IMAGE_BYTES / 1e6:.0f} MB.")
    with path.open("rb") as file:
        return file.read(MAX_IMAGE_BYTES)


def _decode(data: bytes, admit: Callable[[int], None] | None) -> np.ndarray:
    formats = (*_FORMATS, *heif_formats()) if is_heif(data) else _FORMATS
    with checked_file(data) as file, Image.open(file, formats=formats) as image:
        check_size(*image.size)
        if image.mode in ("I", "F"):
            raise FerError("must have 8 or 16 bits a channel. Received: 32 bits.")
        if admit:
            admit(image.width * image.height)
        pixels = _decoder(data, image.width * image.height)
        if pixels is not None:
            return pixels
        file.begin_pixels()
        image.load()
        check_size(*image.size)  # a frame may be larger than its header told
        return np.asarray(_upright_rgb(image))


def face_pixels(
    image: np.ndarray, image_size: tuple[int, int], channels: int, *, gray: bool = False
) -> np.ndarray:
    """Returns a model's input for an image of a face: uint8 (height, width, channels).

    Training and inference both use this function, and no other, to make a model's input.

    Args:
        image: uint8 RGB, (any height, any width, 3).
        image_size: (height, width) in pixels.
        channels: 1 for gray (ITU-R BT.601 luma; exact for gray images), 3 for RGB.
        gray: remove color from three channels too, for a model trained on gray images only.

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
    """Raises FerError unless the image is uint8 of shape (height, width, 3) and not empty."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise FerError(
            "The image must be uint8 RGB of shape (height, width, 3). "
            f"Received: {image.dtype} of shape {image.shape}"
        )


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes a gray or RGB image; returns the same array if it has that size already."""
    if image.shape[:2] == (height, width):
        return image
    shrinks = image.shape[0] * image.shape[1] > height * width
    # Cubic would skip pixels when shrinking; area would give blocks when enlarging.
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(image, (width, height), interpolation=method)


def crop_face(image: np.ndarray, box: Box, margin: float = 0.0, tilt: float = 0.0) -> np.ndarray:
    """Crops a square of side max(width, height) × (1 + margin) around the center of the box.

    Repeats the border pixels beyond the image. uint8 RGB in, uint8 RGB out.

    Args:
        tilt: clockwise rotation of the face in degrees, which the crop undoes.

    Raises:
        FerError: the box is empty or wholly outside the image, or the crop would be larger than
            any image may be.
    """
    height, width = image.shape[:2]
    overlaps = -box.width < box.x < width and -box.height < box.y < height
    if min(box.width, box.height) < 1 or not overlaps:
        raise FerError(f"The box must overlap the image of {width}×{height}. Received: {box}")
    side = max(1, round(max(box.width, box.height) * (1 + margin)))
    if side * side > MAX_PIXELS:
        raise FerError(
            f"A crop must have at most {math.isqrt(MAX_PIXELS):,} pixels a side. Received: {box}"
        )
    if tilt:
        return _crop_upright(image, box, side, tilt)
    left = round(box.x + (box.width - side) / 2)
    top = round(box.y + (box.height - side) / 2)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    return image[rows[:, None], columns]


def _crop_upright(image: np.ndarray, box: Box, side: int, tilt: float) -> np.ndarray:
    """Crops the square, rotated clockwise by `tilt` degrees, around the center of the box."""
    # Pixel centers are at integer coordinates.
    x, y = box.x + (box.width - 1) / 2, box.y + (box.height - 1) / 2
    rotation = cv2.getRotationMatrix2D((x, y), tilt, 1.0)
    middle = (side - 1) / 2
    matrix = rotation + np.array([[0, 0, middle - x], [0, 0, middle - y]])
    size = (side, side)
    return cv2.warpAffine(
        image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def encode(image: np.ndarray, format: str = "PNG") -> bytes:
    """Encodes a uint8 RGB or gray image as "PNG" or "JPEG"."""
    buffer = io.BytesIO()
    Image.fromarray(image.squeeze()).save(buffer, format, quality=90)
    return buffer.getvalue()


def _reason(error: Exception, data: bytes) -> str:
    if isinstance(error, OSError) and error.strerror:  # the operating system's message about a path
        return error.strerror.lower()
    if not data:
        return "it is empty"
    if isinstance(error, UnidentifiedImageError):
        return f"it is none of {', '.join(_FORMATS)}"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {MAX_PIXELS // 1_000_000} megapixels"
    return "the file is truncated" if "truncated" in str(error).lower() else "the file is damaged"


def _upright_rgb(image: Image.Image) -> Image.Image:
    with contextlib.suppress(*_DAMAGE):  # broken EXIF data is no reason to refuse the image
        orientation = _orientation(image)
        if orientation in _UPRIGHT:
            image = image.transpose(_UPRIGHT[orientation])
    if image.mode.startswith("I;16"):
        # Divided by the range of the format, never of the image: 65535 / 257 = 255.
        values = np.asarray(image).astype(np.uint32)
        values += 128
        values //= 257  # rounds to the nearest: 257 is odd
        return Image.fromarray(values.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")  # no copy if it is RGB already


def _orientation(image: Image.Image) -> int | None:
    exif = image.info.get("exif", b"")
    if not exif and _RAW_EXIF in image.info:
        exif = bytes.fromhex("".join(image.info[_RAW_EXIF].split("\n")[3:]))
    if not has_honest_tags(exif):
        return None
    return image.getexif().get(ExifTags.Base.Orientation)
