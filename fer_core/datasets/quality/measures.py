"""What can be measured of a picture: size, light, sharpness, and what it is compared by."""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np

from fer_core.datasets.image_reader import ImageReader
from fer_core.vision import measure_image, resize

READABLE, GONE, DAMAGED = 0, 1, 2  # what `problem` says; what is truncated is damaged
SIDE = 32  # pixels of the reduced gray picture by which two are compared
FREQUENCIES = 63  # the lowest of it, without the mean: one bit each in the perceptual hash

MEASURES = np.dtype(
    [
        ("problem", "u1"),
        ("height", "i4"),  # pixels
        ("width", "i4"),
        ("mean", "f4"),  # of the gray picture, in [0, 255]
        ("deviation", "f4"),  # standard deviation of the gray picture
        ("sharpness", "f4"),  # see `appearance.sharpness`
        ("pixels", "u8"),  # a hash of size and pixels
        ("hash", "u8"),  # perceptual: the signs of the lowest frequencies
    ]
)

_LOW = 8  # frequencies a side
_ANGLES = np.pi / (2 * SIDE) * np.outer(np.arange(_LOW), 2 * np.arange(SIDE) + 1)
_COSINES = (np.cos(_ANGLES) * np.where(np.arange(_LOW) == 0, 0.5**0.5, 1)[:, None]).astype("f4")


@dataclass(frozen=True)
class Measured:
    """The measures of some pictures, one entry each."""

    measures: np.ndarray  # of the type MEASURES; all but `problem` 0 where it cannot be read
    sketches: np.ndarray  # uint8 (n, SIDE, SIDE): the gray picture, reduced
    low: np.ndarray  # float16 (n, FREQUENCIES): its lowest frequencies, of length 1


def measure(pictures: ImageReader, positions: range) -> Measured:
    """Reads, decodes and measures pictures; one that cannot be read is noted as that."""
    measures = np.zeros(len(positions), MEASURES)
    sketches = np.zeros((len(positions), SIDE, SIDE), np.uint8)
    for place, position in enumerate(positions):
        measures[place]["problem"] = GONE
        try:
            data = pictures.read(position)
            measures[place]["problem"] = DAMAGED
            image = pictures.decode(position, data)
        except ValueError:
            continue
        measures[place], sketches[place] = _measure(image)
    low = _low_frequencies(sketches)
    measures["hash"] = _hashes(low)
    measures["hash"][measures["problem"] != READABLE] = 0
    return Measured(measures, sketches, low)


def _measure(image: np.ndarray) -> tuple[tuple[float, ...], np.ndarray]:
    """A row of MEASURES without its perceptual hash, and the sketch."""
    height, width = image.shape[:2]
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    look = measure_image(image)
    digest = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=8)
    digest.update(f"{height}x{width}".encode())
    pixels = int.from_bytes(digest.digest(), "little")
    row = (READABLE, height, width, look.mean, look.deviation, look.sharpness, pixels, 0)
    return row, resize(gray, SIDE, SIDE)


def _low_frequencies(sketches: np.ndarray) -> np.ndarray:
    """The lowest of the discrete cosine transform; without the mean, so light does not matter."""
    low = _COSINES @ sketches.astype(np.float32) @ _COSINES.T
    low = low.reshape(len(sketches), _LOW * _LOW)[:, 1:]
    lengths = np.linalg.norm(low, axis=1, keepdims=True)
    return (low / np.maximum(lengths, 1e-6)).astype(np.float16)


def _hashes(low: np.ndarray) -> np.ndarray:
    signs = np.zeros((len(low), 64), bool)
    signs[:, :FREQUENCIES] = low > 0
    return np.packbits(signs, axis=1).view(np.uint64)[:, 0]
