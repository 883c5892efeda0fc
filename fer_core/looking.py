"""Faces and their probabilities in frame after frame of one camera."""

from collections.abc import Sequence

import numpy as np

from fer_core.detection import FaceDetector
from fer_core.images import Box
from fer_core.recognition import Classifier, recognize


class Looker:
    """Looks at one frame after the other; see `live.Look`. Not to be shared by threads."""

    def __init__(self, detector: FaceDetector, classifier: Classifier) -> None:
        self._detector = detector
        self._classifier = classifier

    def __call__(self, image: np.ndarray) -> tuple[Sequence[Box], np.ndarray]:
        """The boxes of the faces of an image, uint8 RGB, and their probabilities."""
        found = recognize(image, self._detector, self._classifier)
        rows = [list(one.probabilities.values()) for one in found]
        width = len(self._classifier.class_names)
        return [one.face.box for one in found], np.array(rows, float).reshape(-1, width)
