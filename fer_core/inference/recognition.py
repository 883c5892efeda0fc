"""The expression of every face in a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from fer_core import models
from fer_core.errors import FerError
from fer_core.evaluation import COLOR, NOT_SURE, apply_temperature, label_or_abstain, threshold_of
from fer_core.expressions import colors
from fer_core.models import predict_tta
from fer_core.runs import Run
from fer_core.vision import (
    CONFIDENCE,
    SCREEN,
    Face,
    FaceDetector,
    crop_face,
    draw_boxes,
    face_pixels,
)

# Around the detector's box, as a share of its longer side. FER2013's images are cropped like
# these boxes: on 300 of them the longer side is 1.05 of the image's (quartiles 0.95 and 1.15),
# and the centre is the image's.
MARGIN = 0.0

# Degrees; faces tilted further are rotated upright before classification. Of 1,500 validation faces
# of FER2013, tilted by 0, 10, 20, 30 and 40 degrees, the pretrained model recognizes (where a face
# is detected) 69.2, 69.8, 66.6, 65.6 and 61.2 % correctly as they are, and 68.7, 70.1, 71.6, 73.1
# and 70.3 % after turning (`python -m tests.benchmarks.rotated_faces --faces 1500`).
MAX_UPRIGHT_TILT = 10.0

_TOGETHER = 32  # faces through the network at once; more gain nothing


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
        averaged: bool = False,
        threshold: float = 0.0,
    ) -> None:
        """The model takes uint8 pixels (n, height, width, channels) and gives (n, classes).

        Args:
            gray: takes the colours out of what it is shown, where it has seen gray images only.
            temperature: makes its probabilities believable; see `calibration`.
            averaged: over ten views of each face; see `views`.
            threshold: the probability below which its answer is "not sure".

        Raises:
            FerError: the model does not tell as many classes as there are names.
        """
        if model.output_shape[-1] != len(class_names):
            raise FerError(
                f"`class_names` must name the model's {model.output_shape[-1]} classes. "
                f"Received: {', '.join(class_names) or 'none'}"
            )
        self.model = model
        self.class_names = tuple(class_names)
        self.gray = gray
        self.temperature = temperature
        self.averaged = averaged
        self.threshold = threshold

    @classmethod
    def load(cls, run: Run, *, averaged: bool = False) -> "Classifier":
        """The classifier that the run trained; what averages views has a temperature of its own.

        Raises:
            FerError: the run has no model yet, or its files are damaged.
        """
        if run.model_file is None:
            raise FerError(f"{run.name} must have finished an epoch to recognise anything.")
        calibration = run.calibration(tta=averaged)
        return cls(
            models.load_model(run.model_file),
            run.class_names,
            gray=run.is_gray,
            temperature=calibration.temperature if calibration else 1.0,
            averaged=averaged,
            # Averages that were never measured on validation borrow that of one view.
            threshold=threshold_of(run, tta=averaged) or threshold_of(run) or 0.0,
        )

    def pixels(self, image: np.ndarray) -> np.ndarray:
        """What the network gets of a face crop, uint8 RGB: uint8 (height, width, channels)."""
        _, height, width, channels = self.model.input_shape
        return face_pixels(image, (height, width), channels, gray=self.gray)

    def predict(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Probabilities, float32 (len(images), classes), for RGB face crops of any size."""
        return self.predict_pixels([self.pixels(image) for image in images])

    def predict_pixels(self, pixels: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Probabilities, float32 (n, classes), for uint8 pixels (n, height, width, channels)."""
        empty = np.empty((0, *self.model.input_shape[1:]), np.uint8)
        ask = predict_tta if self.averaged else models.predict
        return apply_temperature(
            ask(self.model, np.asarray(pixels) if len(pixels) else empty), self.temperature
        )


def cut_out(image: np.ndarray, face: Face, margin: float = MARGIN) -> np.ndarray:
    """What a classifier is shown of a face: its square in the image, upright, uint8 RGB."""
    turned = face.tilt if abs(face.tilt) > MAX_UPRIGHT_TILT else 0.0
    return crop_face(image, face.box, margin, turned)


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
    return recognize_faces(image, faces, classifier, margin=margin)


def recognize_faces(
    image: np.ndarray, faces: Sequence[Face], classifier: Classifier, *, margin: float = MARGIN
) -> list[Recognition]:
    """The expressions of faces that were found in an image before; see `recognize`."""
    batch = FaceBatch(classifier, margin)
    batch.add(image, faces)
    return batch.recognize()[0]


class FaceBatch:
    """The faces of several images, which go through the network together.

    A face among many takes less than half of what it takes alone. Of an image nothing is kept but
    what the network gets of its faces.
    """

    def __init__(self, classifier: Classifier, margin: float = MARGIN) -> None:
        """Begins with no image; the margin as for `recognize`."""
        self._classifier, self._margin = classifier, margin
        self._faces: list[Sequence[Face]] = []  # by image
        self._pixels: list[np.ndarray] = []  # by face

    def __len__(self) -> int:
        """The number of faces."""
        return len(self._pixels)

    @property
    def is_full(self) -> bool:
        """Whether more faces would gain nothing, and only take memory."""
        return len(self) >= _TOGETHER

    def add(self, image: np.ndarray, faces: Sequence[Face]) -> None:
        """Adds an image, uint8 RGB, (height, width, 3), and the faces found in it, if any."""
        crops = [cut_out(image, face, self._margin) for face in faces]
        pixels = [self._classifier.pixels(crop) for crop in crops]
        self._pixels += pixels  # all or none of an image
        self._faces.append(faces)

    def recognize(self) -> list[list[Recognition]]:
        """The expressions by image, in the order in which they were added; then it is empty."""
        rows = iter(self._classifier.predict_pixels(self._pixels).tolist())
        names = self._classifier.class_names
        found = [
            [Recognition(face, dict(zip(names, next(rows), strict=True))) for face in faces]
            for faces in self._faces
        ]
        self._faces, self._pixels = [], []
        return found


def annotate(
    image: np.ndarray,
    recognitions: Sequence[Recognition],
    class_names: Sequence[str],
    *,
    threshold: float = 0.0,
    labelled: bool = True,
    longest: tuple[int, int] = SCREEN,
) -> np.ndarray:
    """The image for the screen, uint8 RGB: per face a box, its number from 1, its answer.

    Args:
        threshold: the probability below which the answer is "not sure".
        labelled: whether number and answer are written, or told by the boxes' colours alone.
        longest: see `draw_boxes`.
    """
    by_name = dict(zip(class_names, colors(class_names), strict=True)) | {NOT_SURE: COLOR}
    answers = [
        label_or_abstain(recognition.probabilities, threshold) for recognition in recognitions
    ]
    return draw_boxes(
        image,
        [recognition.face.box for recognition in recognitions],
        [f"{number} {said}" * labelled for number, said in enumerate(answers, 1)],
        [by_name[said] for said in answers],
        longest,
    )


def recognitions_table(
    found: Mapping[str, Sequence[Recognition]],
    class_names: Sequence[str],
    *,
    threshold: float = 0.0,
) -> pd.DataFrame:
    """One row per face of all images, faces counted from 1.

    Columns: image, face, x, y, width, height (the box, in pixels), confidence (the detector's),
    p_<expression>, expression (the most probable), answer (the same, or "not sure" where it is
    less probable than the threshold).

    Args:
        found: the recognitions by the image's name.
    """
    columns = ["image", "face", "x", "y", "width", "height", "confidence"]
    columns += [f"p_{name}" for name in class_names] + ["expression", "answer"]
    rows = [
        (image, number, box.x, box.y, box.width, box.height, recognition.face.confidence)
        + (*(recognition.probabilities[name] for name in class_names), recognition.expression)
        + (label_or_abstain(recognition.probabilities, threshold),)
        for image, recognitions in found.items()
        for number, recognition in enumerate(recognitions, 1)
        for box in [recognition.face.box]
    ]
    return pd.DataFrame(rows, columns=columns)
