"""The faces of frame after frame of one film or camera, detected now and then, else followed."""

from collections.abc import Sequence

import numpy as np

from fer_core.detection import Face, FaceDetector
from fer_core.images import Box, crop_face
from fer_core.recognition import MARGIN, Classifier

DETECT_EVERY = 0.5  # seconds: a new face is seen so late at most while others are followed
SEARCH_EVERY = 0.1  # seconds, while there is no face


class Looker:
    """Looks at one frame after the other, in the order of time. Not to be shared by threads.

    Detection looks for faces everywhere and takes many times as long as following those that are
    known. It is done at once where one is lost.
    """

    def __init__(self, detector: FaceDetector, classifier: Classifier) -> None:
        self._detector = detector
        self._classifier = classifier
        self._faces: list[Face] = []
        self._detected = -np.inf  # seconds

    def __call__(self, image: np.ndarray, seconds: float) -> tuple[Sequence[Box], np.ndarray]:
        """The boxes of the faces in the next frame, and their probabilities, (faces, classes).

        Args:
            image: uint8 RGB, (height, width, 3); all frames are of one size.
            seconds: when the frame was taken, from any beginning.
        """
        self._faces = self._found(image, seconds)
        boxes = [face.box for face in self._faces]
        return boxes, self._classifier.predict([crop_face(image, box, MARGIN) for box in boxes])

    def _found(self, image: np.ndarray, seconds: float) -> list[Face]:
        passed = seconds - self._detected
        if not self._faces and passed < SEARCH_EVERY:
            return []
        if self._faces and passed < DETECT_EVERY:
            followed = self._detector.follow(image, [face.box for face in self._faces])
            kept = [face for face in followed if face is not None]
            if len(kept) == len(self._faces):
                return kept
        self._detected = seconds
        return self._detector.detect(image)
