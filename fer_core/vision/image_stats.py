"""Measures brightness, contrast and sharpness of face images, and compares with others."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import cv2
import numpy as np

from fer_core.errors import FerError
from fer_core.vision.images import resize

FACE = (48, 48)  # (height, width) at which sharpness is measured, so that values compare
SAMPLE = 5000  # images, evenly spread, that stand for a whole dataset
_PERCENTILES = np.linspace(0, 100, 101)


@dataclass(frozen=True)
class Appearance:
    """Measures of the gray pixels of an image."""

    mean: float  # brightness, in [0, 255]
    deviation: float  # contrast: the standard deviation
    sharpness: float  # see `sharpness`


MEASURES = ("mean", "deviation", "sharpness")


@dataclass(frozen=True)
class ImageStats:
    """Holds the 0th to 100th percentiles of the measures over many images."""

    images: int  # that were measured
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    sharpness: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in MEASURES:
            values = getattr(self, name)
            if len(values) != len(_PERCENTILES) or any(np.diff(values) < 0):
                raise FerError(f"`{name}` must be {len(_PERCENTILES)} ascending percentiles.")

    def below(self, appearance: Appearance) -> dict[str, float]:
        """Returns for each measure the share of images, in [0, 1], with a lower value."""
        return {
            name: float(np.interp(value, getattr(self, name), _PERCENTILES / 100))
            for name, value in asdict(appearance).items()
        }


def measure_image(image: np.ndarray) -> Appearance:
    """Measures a uint8 image, RGB (height, width, 3) or gray (height, width, 1)."""
    if image.shape[2] == 3:
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    else:
        gray = np.ascontiguousarray(image[..., 0])
    (mean,), (deviation,) = (value[0] for value in cv2.meanStdDev(gray))
    return Appearance(float(mean), float(deviation), sharpness(resize(gray, *FACE)))


def sharpness(gray: np.ndarray) -> float:
    """Returns the variance of the Laplacian of uint8 pixels (height, width), over their variance.

    The division makes it independent of contrast.
    """
    variance = float(gray.var())
    if variance < 1:
        return 0.0
    return float(cv2.Laplacian(np.ascontiguousarray(gray), cv2.CV_32F).var()) / variance


def compute_image_stats(images: Iterable[np.ndarray]) -> ImageStats:
    """Returns the statistics of images; see `measure_image`.

    Raises:
        FerError: there are no images.
    """
    rows = [tuple(asdict(measure_image(image)).values()) for image in images]
    if not rows:
        raise FerError("Image statistics need at least one image. Received: none.")
    table = np.percentile(np.array(rows), _PERCENTILES, axis=0).T
    columns = {
        name: tuple(float(f"{value:.5g}") for value in values)
        for name, values in zip(MEASURES, table, strict=True)
    }
    return ImageStats(len(rows), **columns)


def sampled(positions: np.ndarray) -> np.ndarray:
    """Returns at most `SAMPLE` of the positions, evenly spread."""
    number = min(SAMPLE, len(positions))
    return positions[np.linspace(0, len(positions) - 1, number).astype(int)]
