"""The faces of frame after frame of one film: detected now and then, else followed."""

import cv2
import numpy as np

from fer_core.vision.detection import CONFIDENCE, Face, FaceDetector
from fer_core.vision.images import resize

DETECT_EVERY = 0.5  # seconds: a new face is seen so late at most while others are followed
SEARCH_EVERY = 0.1  # seconds, while there is no face
_THUMBNAIL = (18, 32)  # (height, width) in which two frames are compared
# Two frames are of different shots where their correlation and the part of their shades that they
# share are both below this: what moves in one shot shares its shades, a flash changes no pattern.
_ALIKE, _SHARED = 0.5, 0.85
_SHADES = 8


class FaceFollower:
    """Finds the faces in one frame after the other, in the order of time.

    Detection, which takes many times as long as following, is done where a face is lost, and twice
    a second for those that are new. Not to be shared by threads.
    """

    def __init__(
        self,
        detector: FaceDetector,
        smallest_face: int | None = None,
        confidence: float = CONFIDENCE,
    ) -> None:
        """Settings as for `FaceDetector.detect`."""
        self._detector = detector
        self._smallest_face = smallest_face
        self._confidence = confidence
        self._faces: list[Face] = []
        self._detected = -np.inf  # seconds

    def find(self, image: np.ndarray, seconds: float, *, anew: bool = False) -> list[Face]:
        """The faces of the next frame.

        Args:
            image: uint8 RGB, (height, width, 3); all frames are of one size.
            seconds: when the frame was taken, from any beginning.
            anew: whether it has nothing to do with the frame before.
        """
        self._faces = self._found(image, seconds, anew)
        return self._faces

    def _found(self, image: np.ndarray, seconds: float, anew: bool) -> list[Face]:
        passed = np.inf if anew else seconds - self._detected
        if not self._faces and passed < SEARCH_EVERY:
            return []
        if self._faces and passed < DETECT_EVERY:
            boxes = [face.box for face in self._faces]
            followed = self._detector.follow(image, boxes, self._confidence)
            kept = [face for face in followed if face is not None]
            if len(kept) == len(boxes):
                return kept
        self._detected = seconds
        return self._detector.detect(image, self._smallest_face, self._confidence)


class Cuts:
    """Tells where one shot of a film ends and the next begins, by how unlike two frames are."""

    def __init__(self) -> None:
        self._last: np.ndarray | None = None

    def begins(self, image: np.ndarray) -> bool:
        """Whether the next frame, uint8 RGB, begins another shot than the frame before.

        What grows lighter or darker as a whole, as by a flash, does not.
        """
        gray = cv2.cvtColor(resize(image, *_THUMBNAIL), cv2.COLOR_RGB2GRAY)
        before, self._last = self._last, gray
        if before is None or _correlation(before, gray) >= _ALIKE:
            return False
        return _shared_shades(before, gray) < _SHARED


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """In [-1, 1]; of pictures that are flat, or nearly so, 1 where both are and else 0."""
    a, b = (picture.astype(np.float64) - picture.mean() for picture in (one, other))
    norms = [float(part.std()) for part in (a, b)]
    if min(norms) < 2.0:  # shades of gray: nothing but noise
        return float(max(norms) < 2.0)
    return float((a * b).mean() / (norms[0] * norms[1]))


def _shared_shades(one: np.ndarray, other: np.ndarray) -> float:
    """The part of the pixels, in [0, 1], that have the same shades, wherever they are."""
    a, b = (np.histogram(picture, _SHADES, (0, 256))[0] for picture in (one, other))
    return float(np.minimum(a, b).sum() / one.size)
