"""What the faces of a camera look like, frame after frame."""

from collections.abc import Sequence

import numpy as np

from fer_core.detection import CONFIDENCE, FaceDetector
from fer_core.following import FaceFollower
from fer_core.images import Box
from fer_core.recognition import Classifier, recognize_faces


class Looker:
    """Finds and recognises the faces of one frame after the other; see `live.Look`.

    Not to be shared by threads.
    """

    def __init__(
        self,
        detector: FaceDetector,
        classifier: Classifier,
        smallest_face: int | None = None,
        confidence: float | None = None,
    ) -> None:
        """Settings as for `FaceDetector.detect`; None leaves one to it."""
        self._follower = FaceFollower(detector, smallest_face, confidence or CONFIDENCE)
        self._classifier = classifier

    def __call__(self, image: np.ndarray, seconds: float) -> tuple[Sequence[Box], np.ndarray]:
        """The boxes of the next frame's faces, and their probabilities, (faces, classes).

        Args:
            image: uint8 RGB, (height, width, 3); all frames are of one size.
            seconds: when the frame was taken, from any beginning.
        """
        faces = self._follower.find(image, seconds)
        found = recognize_faces(image, faces, self._classifier)
        rows = [list(one.probabilities.values()) for one in found]
        classes = len(self._classifier.class_names)
        return [face.box for face in faces], np.array(rows, float).reshape(-1, classes)
