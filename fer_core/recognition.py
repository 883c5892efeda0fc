"""The expression of every face in a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from fer_core import models
from fer_core.calibration import temper
from fer_core.detection import CONFIDENCE, Face, FaceDetector
from fer_core.drawing import draw_boxes
from fer_core.expressions import colors
from fer_core.images import crop_face, face_pixels
from fer_core.runs import Run

# Around the detector's box, as a share of its longer side. FER2013's images are cropped like
# these boxes: on 300 of them the longer side is 1.05 of the image's (quartiles 0.95 and 1.15),
# and the centre is the image's.
MARGIN = 0.0


@dataclass(frozen=True)
class Recognition:
    """A face and what a classifier makes of it."""

    face: Face
    probabilities: Mapping[str, float]  # by expression, in label order; their sum is 1

    @property
    def expression(self) -> str:
        """The most probable expression."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def probability(self) -> float:
        """The probability of that expression, in [0, 1]."""
        return self.probabilities[self.expression]


class Classifier:
    """A run's model with its class names. May be shared by threads."""

    def __init__(
        self,
        model: keras.Model,
        class_names: Sequence[str],
        *,
        gray: bool = False,
        temperature: float = 1.0,
    ) -> None:
        """The model takes uint8 pixels (n, height, width, channels) and gives (n, classes).

        Where it has seen gray images only, `gray` takes the colours out of those it is shown. The
        temperature makes its probabilities believable; see `calibration`.

        Raises:
            ValueError: the model does not tell as many classes as there are names.
        """
        if model.output_shape[-1] != len(class_names):
            raise ValueError(
                f"`class_names` must name the model's {model.output_shape[-1]} classes. "
                f"Received: {', '.join(class_names) or 'none'}"
            )
        self.model = model
        self.class_names = tuple(class_names)
        self.gray = gray
        self.temperature = temperature

    @classmethod
    def load(cls, run: Run) -> "Classifier":
        """The classifier that the run trained.

        Raises:
            ValueError: the run has no model yet, or its files are damaged.
        """
        if run.model_file is None:
            raise ValueError(f"{run.name} must have finished an epoch to recognise anything.")
        calibration = run.calibration()
        return cls(
            models.load_model(run.model_file),
            run.class_names,
            gray=run.is_gray,
            temperature=calibration.temperature if calibration else 1.0,
        )

    def pixels(self, image: np.ndarray) -> np.ndarray:
        """What the network gets of a face crop, uint8 RGB: uint8 (height, width, channels)."""
        _, height, width, channels = self.model.input_shape
        return face_pixels(image, (height, width), channels, gray=self.gray)

    def predict(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Probabilities, float32 (len(images), classes), for RGB face crops of any size."""
        empty = np.empty((0, *self.model.input_shape[1:]), np.uint8)
        return self.predict_pixels(np.array([self.pixels(image) for image in images] or empty))

    def predict_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """Probabilities, float32 (n, classes), for uint8 pixels (n, height, width, channels)."""
        return temper(models.predict(self.model, pixels), self.temperature)


def recognize(
    image: np.ndarray,
    detector: FaceDetector,
    classifier: Classifier,
    *,
    margin: float = MARGIN,
    smallest_face: int | None = None,
    confidence: float = CONFIDENCE,
) -> list[Recognition]:
    """The expressions of an image's faces, from left to right; none where there is no face.

    Args:
        image: uint8 RGB, (height, width, 3).
        margin: around the detector's box, as a share of its longer side.
        smallest_face: in pixels; see `FaceDetector.detect`, as for `confidence`.
    """
    faces = detector.detect(image, smallest_face, confidence)
    probabilities = classifier.predict([crop_face(image, face.box, margin) for face in faces])
    names = classifier.class_names
    return [
        Recognition(face, dict(zip(names, row.tolist(), strict=True)))
        for face, row in zip(faces, probabilities, strict=True)
    ]


def annotate(
    image: np.ndarray, recognitions: Sequence[Recognition], class_names: Sequence[str]
) -> np.ndarray:
    """The image for the screen, uint8 RGB: per face a box, its number from 1, its expression."""
    by_name = dict(zip(class_names, colors(class_names), strict=True))
    return draw_boxes(
        image,
        [recognition.face.box for recognition in recognitions],
        [f"{number} {one.expression}" for number, one in enumerate(recognitions, 1)],
        [by_name[recognition.expression] for recognition in recognitions],
    )


def recognitions_table(
    found: Mapping[str, Sequence[Recognition]], class_names: Sequence[str]
) -> pd.DataFrame:
    """One row per face of all images: box in pixels, confidence, p_<expression>, expression.

    `found` gives the recognitions by the image's name; faces are counted from 1.
    """
    columns = ["image", "face", "x", "y", "width", "height", "confidence"]
    columns += [f"p_{name}" for name in class_names] + ["expression"]
    rows = [
        (image, number, box.x, box.y, box.width, box.height, recognition.face.confidence)
        + (*(recognition.probabilities[name] for name in class_names), recognition.expression)
        for image, recognitions in found.items()
        for number, recognition in enumerate(recognitions, 1)
        for box in [recognition.face.box]
    ]
    return pd.DataFrame(rows, columns=columns)
