"""Finds faces in successive video frames: detects now and then, and follows in between."""

import cv2
import numpy as np

from fer_core.vision.detection import MIN_CONFIDENCE, Face, FaceDetector
from fer_core.vision.images import resize

DETECT_EVERY = 0.5  # seconds; a new face appears this late at most while others are followed
SEARCH_EVERY = 0.1  # seconds between detections while there is no face
_THUMBNAIL = (18, 32)  # (height, width) in which two frames are compared
# Two frames belong to different shots if both their correlation and the overlap of their histograms
# are below these: movement within a shot keeps the histogram, a flash keeps the pattern.
_MIN_CORRELATION, _MIN_OVERLAP = 0.5, 0.85
_BINS = 8


class FaceFollower:
    """Finds the faces of successive frames, in order of time. Not thread-safe.

    Runs detection, which takes many times as long as following, when a face is lost, and twice a
    second to find new ones.
    """

    def __init__(
        self,
        detector: FaceDetector,
        smallest_face: int | None = None,
        confidence: float = MIN_CONFIDENCE,
    ) -> None:
        """Takes the settings of `FaceDetector.detect`."""
        self._detector = detector
        self._smallest_face = smallest_face
        self._confidence = confidence
        self._faces: list[Face] = []
        self._last_detection = -np.inf  # seconds

    def find(self, image: np.ndarray, seconds: float, *, after_cut: bool = False) -> list[Face]:
        """Returns the faces of the next frame.

        Args:
            image: uint8 RGB, (height, width, 3); all frames have the same size.
            seconds: time of the frame, from any origin.
            after_cut: whether the frame begins a new shot.
        """
        self._faces = self._find(image, seconds, after_cut)
        return self._faces

    def _find(self, image: np.ndarray, seconds: float, after_cut: bool) -> list[Face]:
        elapsed = np.inf if after_cut else seconds - self._last_detection
        if not self._faces and elapsed < SEARCH_EVERY:
            return []
        if self._faces and elapsed < DETECT_EVERY:
            boxes = [face.box for face in self._faces]
            followed = self._detector.follow(image, boxes, self._confidence)
            kept = [face for face in followed if face is not None]
            if len(kept) == len(boxes):
                return kept
        self._last_detection = seconds
        return self._detector.detect(image, self._smallest_face, self._confidence)


class CutDetector:
    """Detects cuts in a video by comparing successive frames."""

    def __init__(self) -> None:
        self._previous: np.ndarray | None = None

    def is_cut(self, image: np.ndarray) -> bool:
        """Tells whether the next frame, uint8 RGB, begins a new shot.

        A change of brightness alone, as by a flash, is no cut.
        """
        gray = cv2.cvtColor(resize(image, *_THUMBNAIL), cv2.COLOR_RGB2GRAY)
        previous, self._previous = self._previous, gray
        if previous is None or _correlation(previous, gray) >= _MIN_CORRELATION:
            return False
        return _histogram_overlap(previous, gray) < _MIN_OVERLAP


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Returns the correlation in [-1, 1]; for nearly flat images 1 if both are flat, else 0."""
    a, b = (image.astype(np.float64) - image.mean() for image in (one, other))
    norms = [float(part.std()) for part in (a, b)]
    if min(norms) < 2.0:  # gray levels: noise only
        return float(max(norms) < 2.0)
    return float((a * b).mean() / (norms[0] * norms[1]))


def _histogram_overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Returns the share of pixels, in [0, 1], that the histograms have in common."""
    a, b = (np.histogram(image, _BINS, (0, 256))[0] for image in (one, other))
    return float(np.minimum(a, b).sum() / one.size)
