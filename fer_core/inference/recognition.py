"""Recognizes the expression of every face in an image."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import pandas as pd

from fer_core import models
from fer_core.errors import FerError
from fer_core.evaluation import (
    COLOR,
    DETECTED,
    DOUBTFUL,
    NO_FACE,
    NOT_SURE,
    WHOLE_PICTURE,
    apply_temperature,
    label_or_abstain,
    min_sharpness_of,
    threshold_of,
)
from fer_core.expressions import colors
from fer_core.models import Model, predict_tta
from fer_core.runs import Run
from fer_core.vision import (
    MARGIN,
    MIN_CONFIDENCE,
    SCREEN_SIDE,
    Face,
    FaceDetector,
    HeadPose,
    crop_face,
    draw_boxes,
    face_pixels,
    head_pose,
    measure_image,
)

# Degrees; faces tilted further are rotated upright before classification. Of 1,500 validation faces
# of FER2013, tilted by 0, 10, 20, 30 and 40 degrees, the pretrained model recognizes (where a face
# is detected) 69.2, 69.8, 66.6, 65.6 and 61.2 % correctly as they are, and 68.7, 70.1, 71.6, 73.1
# and 70.3 % after turning (`python -m tests.benchmarks.rotated_faces --faces 1500`).
MAX_UPRIGHT_TILT = 10.0

_BATCH_SIZE = 32  # faces; larger batches are no faster


@dataclass(frozen=True)
class Recognition:
    """Holds a face with the probabilities of its expressions."""

    face: Face
    probabilities: Mapping[str, float]  # by expression, in label order; they sum to 1
    is_blurred: bool = False  # blurrier than nearly all images the model was trained on

    @property
    def expression(self) -> str:
        """Returns the most probable expression."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def probability(self) -> float:
        """Returns the probability of the most probable expression, in [0, 1]."""
        return self.probabilities[self.expression]

    @property
    def detection(self) -> str:
        """Returns how the face was found: `DETECTED`, `DOUBTFUL` or `WHOLE_PICTURE`."""
        if self.face.is_whole:
            return WHOLE_PICTURE
        return DOUBTFUL if self.face.is_doubtful else DETECTED

    @property
    def pose(self) -> HeadPose | None:
        """Returns the pose of the head; None for a whole picture, or if it cannot be estimated."""
        return None if self.face.landmarks is None else head_pose(self.face.landmarks)

    def answer(self, threshold: float) -> str:
        """Returns the expression, or `NOT_SURE` below the threshold.

        So is a face that is doubtful or blurred. A threshold of 0 always gets an expression.
        """
        is_weak = self.face.is_doubtful or self.is_blurred
        return label_or_abstain(self.probabilities, threshold, is_weak=is_weak)


class Classifier:
    """Wraps a run's model with its class names. Thread-safe."""

    def __init__(
        self,
        model: Model,
        class_names: Sequence[str],
        *,
        gray: bool = False,
        temperature: float = 1.0,
        tta: bool = False,
        threshold: float = 0.0,
        min_sharpness: float = 0.0,
        margin: float = MARGIN,
    ) -> None:
        """Wraps a model from uint8 pixels (n, height, width, channels) to (n, classes).

        Args:
            gray: remove color from images, for a model trained on gray images only.
            temperature: calibrates the probabilities; see `evaluation.apply_temperature`.
            tta: use test-time augmentation; see `models.predict_tta`.
            threshold: probability below which the classifier abstains ("not sure").
            min_sharpness: below which a face is blurred; see `evaluation.min_sharpness_of`.
            margin: around a face that the model is used to; see `vision.crop_face`.

        Raises:
            FerError: the number of names differs from the model's number of classes.
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
        self.tta = tta
        self.threshold = threshold
        self.margin = margin
        self._min_sharpness = min_sharpness

    @classmethod
    def load(cls, run: Run, *, tta: bool = False, keras: bool = False) -> "Classifier":
        """Loads a run's model with its temperature and threshold, which differ with TTA.

        Args:
            keras: load a Keras model, as Grad-CAM needs it, rather than one for onnxruntime; that
                loads TensorFlow.

        Raises:
            FerError: the run has no model yet, or its files are damaged or do not fit together.
        """
        if run.model_file is None:
            raise FerError(f"{run.name} must finish an epoch before it can recognize expressions.")
        if keras:
            run.require_keras("Grad-CAM")
        load = models.load_model if keras else models.load_for_prediction
        calibration = run.calibration(tta=tta)
        return cls(
            load(run.model_file, run.config, len(run.class_names)),
            run.class_names,
            gray=run.is_gray,
            temperature=calibration.temperature if calibration else 1.0,
            tta=tta,
            # TTA that was never measured on validation borrows the threshold of single views.
            threshold=threshold_of(run, tta=tta) or threshold_of(run) or 0.0,
            min_sharpness=min_sharpness_of(run),
            margin=run.crop_margin,
        )

    def pixels(self, image: np.ndarray) -> np.ndarray:
        """Returns the model's input for a uint8 RGB face crop: uint8 (height, width, channels)."""
        _, height, width, channels = self.model.input_shape
        return face_pixels(image, (height, width), channels, gray=self.gray)

    def is_blurred(self, pixels: np.ndarray) -> bool:
        """Tells whether an input of the model is blurrier than what the model was trained on."""
        return measure_image(pixels).sharpness < self._min_sharpness

    def predict(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Returns probabilities, float32 (n, classes), of RGB face crops of any size."""
        return self.predict_pixels([self.pixels(image) for image in images])

    def predict_pixels(self, pixels: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Returns probabilities, float32 (n, classes), of uint8 (n, height, width, channels)."""
        empty = np.empty((0, *self.model.input_shape[1:]), np.uint8)
        predict = predict_tta if self.tta else models.predict
        return apply_temperature(
            predict(self.model, np.asarray(pixels) if len(pixels) else empty), self.temperature
        )


def crop_upright(image: np.ndarray, face: Face, margin: float = MARGIN) -> np.ndarray:
    """Crops the square around a face, uint8 RGB, rotated upright if the face is tilted.

    A whole picture is not cropped: the model gets it as it gets the images of a dataset.
    """
    if face.is_whole:
        return image
    tilt = face.tilt if abs(face.tilt) > MAX_UPRIGHT_TILT else 0.0
    return crop_face(image, face.box, margin, tilt)


def recognize(
    image: np.ndarray,
    detector: FaceDetector,
    classifier: Classifier,
    *,
    margin: float | None = None,
    smallest_face: int | None = None,
    confidence: float = MIN_CONFIDENCE,
) -> list[Recognition]:
    """Recognizes the expressions of an image's faces, from left to right.

    Args:
        image: uint8 RGB, (height, width, 3).
        margin: around the detector's box, as a share of its longer side; by default the
            classifier's.
        smallest_face: in pixels; for it and `confidence` see `FaceDetector.detect`.
    """
    faces = detector.detect(image, smallest_face, confidence)
    return recognize_faces(image, faces, classifier, margin=margin)


def recognize_faces(
    image: np.ndarray, faces: Sequence[Face], classifier: Classifier, *, margin: float | None = None
) -> list[Recognition]:
    """Recognizes the expressions of faces already found in an image; see `recognize`."""
    batch = FaceBatch(classifier, margin)
    batch.add(image, faces)
    return batch.recognize()[0]


@dataclass(frozen=True)
class FaceCrop:
    """Holds a face cut out of its image, and the model's input made of it."""

    image: np.ndarray  # uint8 RGB, (height, width, 3); a square unless it is a whole picture
    pixels: np.ndarray  # uint8, (height, width, channels)


class FaceBatch:
    """Collects the faces of several images to classify them in one batch.

    Batching more than halves the time per face. Keeps the model's input of each face, not the
    images.
    """

    def __init__(self, classifier: Classifier, margin: float | None = None) -> None:
        """Starts an empty batch; for the margin see `recognize`."""
        self._classifier = classifier
        self._margin = classifier.margin if margin is None else margin
        self._faces: list[Sequence[Face]] = []  # by image
        self._pixels: list[np.ndarray] = []  # by face

    def __len__(self) -> int:
        """Returns the number of faces."""
        return len(self._pixels)

    @property
    def is_full(self) -> bool:
        """Tells whether more faces would not make it faster."""
        return len(self) >= _BATCH_SIZE

    def add(self, image: np.ndarray, faces: Sequence[Face]) -> list[FaceCrop]:
        """Adds the faces found in an image, uint8 RGB (height, width, 3), and returns their crops.

        An image without faces counts too.
        """
        crops = [crop_upright(image, face, self._margin) for face in faces]
        pixels = [self._classifier.pixels(crop) for crop in crops]
        self._pixels += pixels  # all or none of an image
        self._faces.append(faces)
        return [FaceCrop(crop, its) for crop, its in zip(crops, pixels, strict=True)]

    def predict(self) -> list[np.ndarray]:
        """Returns probabilities (faces, classes) by image, in order, and empties the batch."""
        rows = self._classifier.predict_pixels(self._pixels)
        ends = np.cumsum([len(faces) for faces in self._faces], dtype=int)
        self._faces, self._pixels = [], []
        return np.split(rows, ends)[: len(ends)]

    def recognize(self) -> list[list[Recognition]]:
        """Returns recognitions by image, in order, and empties the batch."""
        faces, names = self._faces, self._classifier.class_names
        blurred = iter([self._classifier.is_blurred(pixels) for pixels in self._pixels])
        return [
            [
                Recognition(face, dict(zip(names, row, strict=True)), next(blurred))
                for face, row in zip(its, rows.tolist(), strict=True)
            ]
            for its, rows in zip(faces, self.predict(), strict=True)
        ]


def annotate(
    image: np.ndarray,
    recognitions: Sequence[Recognition],
    class_names: Sequence[str],
    *,
    threshold: float = 0.0,
    labeled: bool = True,
    side_range: tuple[int, int] = SCREEN_SIDE,
) -> np.ndarray:
    """Draws a box, a number from 1 and the answer for each face; returns uint8 RGB.

    Args:
        threshold: see `Recognition.answer`.
        labeled: whether to write number and answer; the color of the box tells the answer too.
        side_range: see `draw_boxes`.
    """
    by_name = dict(zip(class_names, colors(class_names), strict=True)) | {NOT_SURE: COLOR}
    answers = [recognition.answer(threshold) for recognition in recognitions]
    return draw_boxes(
        image,
        [recognition.face.box for recognition in recognitions],
        [f"{number} {answer}" * labeled for number, answer in enumerate(answers, 1)],
        [by_name[answer] for answer in answers],
        side_range,
    )


def recognitions_table(
    results: Mapping[str, Sequence[Recognition]],
    class_names: Sequence[str],
    *,
    threshold: float = 0.0,
) -> pd.DataFrame:
    """Returns a row per face of all images, and one for each image without a face.

    Columns: image, face (from 1), x, y, width, height (the box, in pixels), confidence (the
    detector's), detection, blurred and answer (see `Recognition`), p_<expression>, yaw, pitch and
    roll of the head in degrees (see `vision.HeadPose`), expression (the most probable). Without a
    face all are missing but image and answer, `NO_FACE`.

    Args:
        results: recognitions by image name.
        threshold: see `Recognition.answer`.
    """
    boxes, probabilities = ["face", "x", "y", "width", "height"], [f"p_{n}" for n in class_names]
    found = ["confidence", "detection", "blurred"]
    answers = ["yaw", "pitch", "roll", "expression", "answer"]
    columns = ["image", *boxes, *found, *probabilities, *answers]
    rows = [
        row
        for image, recognitions in results.items()
        for row in _rows(image, recognitions, class_names, threshold)
    ]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype(dict.fromkeys(boxes, "Int64"))  # which may be missing


def _rows(
    image: str, recognitions: Sequence[Recognition], class_names: Sequence[str], threshold: float
) -> Iterator[tuple[Any, ...]]:
    """Yields the rows of an image in the table of recognitions."""
    if not recognitions:
        missing = [np.nan] * (len(class_names) + 3)
        yield (image, *[None] * 5, np.nan, None, None, *missing, None, NO_FACE)
    for number, recognition in enumerate(recognitions, 1):
        face, box = recognition.face, recognition.face.box
        yield (
            *(image, number, box.x, box.y, box.width, box.height),
            *(face.confidence, recognition.detection, recognition.is_blurred),
            *(recognition.probabilities[name] for name in class_names),
            *_angles(recognition.pose),
            *(recognition.expression, recognition.answer(threshold)),
        )


def _angles(pose: HeadPose | None) -> list[float]:
    return [np.nan] * 3 if pose is None else list(astuple(pose))
