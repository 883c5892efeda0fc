"""What a face looks like to a network: its light, contrast and sharpness, beside other faces."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np

from fer_core.errors import FerError
from fer_core.vision.images import resize

FACE = (48, 48)  # (height, width) at which sharpness is measured: every picture on one scale
SAMPLE = 5000  # faces, evenly spread, that tell what all look like
_PERCENTILES = np.linspace(0, 100, 101)


@dataclass(frozen=True)
class Appearance:
    """What is measured of a picture's gray pixels."""

    mean: float  # the brightness, in [0, 255]
    deviation: float  # the contrast: their standard deviation
    sharpness: float  # see `sharpness`


MEASURES = ("mean", "deviation", "sharpness")


@dataclass(frozen=True)
class ImageStats:
    """What many pictures look like: of each measure the 0th to the 100th percentile."""

    images: int  # that were looked at
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    sharpness: tuple[float, ...]

    @classmethod
    def of_record(cls, record: Any) -> "ImageStats":
        """What `dataclasses.asdict` made a record of.

        Raises:
            FerError: it is damaged.
        """
        try:
            columns = {name: tuple(map(float, record[name])) for name in MEASURES}
            images = int(record["images"])
        except (KeyError, TypeError, ValueError) as error:
            raise FerError("The record of how the training faces look is damaged.") from error
        if any(len(column) != len(_PERCENTILES) for column in columns.values()):
            raise FerError("The record of how the training faces look must be of percentiles.")
        return cls(images, **columns)

    def below(self, appearance: Appearance) -> dict[str, float]:
        """Of each measure the share of the pictures, in [0, 1], that have less of it."""
        return {
            name: float(np.interp(value, getattr(self, name), _PERCENTILES / 100))
            for name, value in asdict(appearance).items()
        }


def measure_image(image: np.ndarray) -> Appearance:
    """The measures of a picture, uint8 RGB or gray: (height, width, 3), (height, width, 1)."""
    if image.shape[2] == 3:
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    else:
        gray = np.ascontiguousarray(image[..., 0])
    (mean,), (deviation,) = (value[0] for value in cv2.meanStdDev(gray))
    return Appearance(float(mean), float(deviation), sharpness(resize(gray, *FACE)))


def sharpness(gray: np.ndarray) -> float:
    """Variance of the Laplacian ÷ variance of the pixels, so that contrast does not matter.

    Of uint8 pixels (height, width).
    """
    variance = float(gray.var())
    if variance < 1:
        return 0.0
    return float(cv2.Laplacian(np.ascontiguousarray(gray), cv2.CV_32F).var()) / variance


def compute_image_stats(pictures: Iterable[np.ndarray]) -> ImageStats:
    """What pictures look like; see `measure_image`.

    Raises:
        FerError: there is none.
    """
    rows = [tuple(asdict(measure_image(picture)).values()) for picture in pictures]
    if not rows:
        raise FerError("There must be pictures to look at. There are none.")
    table = np.percentile(np.array(rows), _PERCENTILES, axis=0).T
    columns = {
        name: tuple(float(f"{value:.5g}") for value in values)
        for name, values in zip(MEASURES, table, strict=True)
    }
    return ImageStats(len(rows), **columns)


def sampled(positions: np.ndarray) -> np.ndarray:
    """At most `SAMPLE` of the positions, evenly spread."""
    number = min(SAMPLE, len(positions))
    return positions[np.linspace(0, len(positions) - 1, number).astype(int)]
