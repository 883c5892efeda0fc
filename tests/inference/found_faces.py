"""Faces as a frame pipeline finds them."""

from collections.abc import Sequence

import numpy as np

from fer_core.inference.tracking import FrameFaces
from fer_core.vision.detection import Face
from fer_core.vision.images import Box


def frame_faces(
    boxes: Sequence[Box], rows: np.ndarray, *, confidence: float = 0.99, is_blurred: bool = False
) -> FrameFaces:
    """Returns faces in these boxes with the probabilities in `rows`."""
    faces = [Face(box, None, confidence) for box in boxes]
    return FrameFaces(faces, rows, [is_blurred] * len(faces))
