"""What the faces of a camera look like, frame after frame."""

from collections.abc import Sequence

import numpy as np

from fer_core.inference.recognition import Classifier, recognize_faces
from fer_core.vision import CONFIDENCE, DETECT_EVERY, Box, FaceDetector, FaceFollower

# Seconds between two frames, at most: where a frame takes longer, not every one of them must be
# searched for faces, which takes longest of all, but every fifth.
LONGEST_STEP = DETECT_EVERY / 5


class FramePipeline:
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
        self._last = 0.0  # seconds
        self._followed = 0.0  # seconds, as the follower is told them

    def __call__(self, image: np.ndarray, seconds: float) -> tuple[Sequence[Box], np.ndarray]:
        """The boxes of the next frame's faces, and their probabilities, (faces, classes).

        Args:
            image: uint8 RGB, (height, width, 3); all frames are of one size.
            seconds: when the frame was taken, from any beginning.
        """
        self._followed += min(seconds - self._last, LONGEST_STEP)
        self._last = seconds
        faces = self._follower.find(image, self._followed)
        found = recognize_faces(image, faces, self._classifier)
        rows = [list(one.probabilities.values()) for one in found]
        classes = len(self._classifier.class_names)
        return [face.box for face in faces], np.array(rows, float).reshape(-1, classes)
