"""Finds the faces of successive frames and classifies their expressions."""

from collections.abc import Sequence

import numpy as np

from fer_core.inference.recognition import Classifier, FaceBatch, Recognition
from fer_core.inference.tracking import FrameFaces
from fer_core.vision import DETECT_EVERY, MIN_CONFIDENCE, FaceDetector, FaceFollower

# Seconds between two live frames, at most: where frames take longer than this, detection, the
# slowest step, must still run in every fifth frame only.
MAX_STEP = DETECT_EVERY / 5


class FramePipeline:
    """Finds, crops and classifies the faces of successive frames. Not thread-safe."""

    def __init__(
        self,
        detector: FaceDetector,
        classifier: Classifier,
        smallest_face: int | None = None,
        confidence: float | None = None,
    ) -> None:
        """Takes the settings of `FaceDetector.detect`; None stands for its default."""
        self.class_names = classifier.class_names
        self._follower = FaceFollower(detector, smallest_face, confidence or MIN_CONFIDENCE)
        self._batch = FaceBatch(classifier)

    def recognize(self, frames: Sequence[tuple[np.ndarray, float, bool]]) -> list[FrameFaces]:
        """Returns the faces of each frame.

        The faces of all frames go through the model in one batch.

        Args:
            frames: image, time and whether a new shot begins, as for `FaceFollower.find`.
        """
        for image, seconds, after_cut in frames:
            faces = self._follower.find(image, seconds, after_cut=after_cut)
            self._batch.add(image, faces)
        return [self._frame_faces(found) for found in self._batch.recognize()]

    def _frame_faces(self, found: Sequence[Recognition]) -> FrameFaces:
        rows = [list(each.probabilities.values()) for each in found]
        return FrameFaces(
            [each.face for each in found],
            np.array(rows, np.float32).reshape(-1, len(self.class_names)),
            [each.is_blurred for each in found],
        )


class LivePipeline:
    """Makes a `FramePipeline` a `live.FrameFunction`: its frames arrive at any pace."""

    def __init__(self, pipeline: FramePipeline) -> None:
        self._pipeline = pipeline
        self._last = 0.0  # seconds
        self._clock = 0.0  # seconds, with long steps shortened

    def __call__(self, image: np.ndarray, seconds: float) -> FrameFaces:
        """Returns the faces of the next frame.

        Args:
            image: uint8 RGB, (height, width, 3); all frames have the same size.
            seconds: time of the frame, from any origin.
        """
        self._clock += min(seconds - self._last, MAX_STEP)
        self._last = seconds
        (found,) = self._pipeline.recognize([(image, self._clock, False)])
        return found
