"""Exports recognitions: as a table, as JSON, and as annotated images."""

import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from fer_core.inference.photos import unique_names
from fer_core.inference.recognition import Recognition, annotate, recognitions_table
from fer_core.vision import MARGIN, encode

_FORBIDDEN = re.compile(r'[\\:*?"<>|\x00-\x1f]')  # in file names, on some system


@dataclass(frozen=True)
class PhotoSettings:
    """Holds how the faces of photos are found and recognized; None stands for a default."""

    min_accuracy: float  # of the answers, on validation, in [0, 1]; 0 to answer always
    tta: bool = False  # test-time augmentation
    margin: float = MARGIN  # around the detector's box, as a share of its longer side
    smallest_face: int | None = None  # pixels of the photo
    confidence: float | None = None  # of the detector, at least, in [0, 1]
    whole: bool = False  # take each whole photo as a face that was cropped already

    def record(self) -> dict[str, Any]:
        """Returns the settings as a JSON object."""
        return {
            "minimum_accuracy": self.min_accuracy,
            "test_time_augmentation": self.tta,
            "crop_margin": self.margin,
            "minimum_face_size": self.smallest_face,
            "minimum_confidence": self.confidence,
            "picture_is_face": self.whole,
        }


@dataclass(frozen=True)
class PhotoResult:
    """Holds the faces recognized in a photo."""

    recognitions: tuple[Recognition, ...]
    height: int  # pixels
    width: int
    smallest: int  # pixels; smaller faces were not searched for
    milliseconds: float  # from the file to the probabilities


def results_table(
    results: Mapping[str, PhotoResult], class_names: Sequence[str], threshold: float
) -> pd.DataFrame:
    """Returns the columns of `recognitions_table`, and the `milliseconds` of each face's photo.

    Args:
        results: by photo name.
    """
    recognitions = {name: result.recognitions for name, result in results.items()}
    table = recognitions_table(recognitions, class_names, threshold=threshold)
    times = {name: round(result.milliseconds, 1) for name, result in results.items()}
    return table.assign(milliseconds=table["image"].map(times).astype(float))


def results_json(
    results: Mapping[str, PhotoResult],
    errors: Sequence[str],
    model: Mapping[str, Any],
    settings: PhotoSettings,
    threshold: float,
) -> str:
    """Returns everything as JSON, including photos without faces and unreadable files.

    Args:
        results: by photo name.
        errors: a sentence for each file that could not be read.
        model: its provenance; see `ModelProvenance.record`.
        threshold: probability below which an answer is "not sure".
    """
    record = {
        "note": "A facial expression is not an emotion.",
        "model": dict(model),
        "settings": {**settings.record(), "threshold": threshold},
        "images": [
            {
                "image": name,
                "width": result.width,
                "height": result.height,
                "milliseconds": round(result.milliseconds, 1),
                "faces": [
                    _face_record(number, recognition, threshold)
                    for number, recognition in enumerate(result.recognitions, 1)
                ],
            }
            for name, result in results.items()
        ],
        "errors": list(errors),
    }
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)


def zip_annotated(
    photos: Iterable[tuple[str, np.ndarray, PhotoResult]],
    class_names: Sequence[str],
    threshold: float,
) -> bytes:
    """Returns a .zip of annotated JPEGs; see `annotate`.

    Args:
        photos: name, image (uint8 RGB) and result of each; names are distinct.
    """
    buffer = io.BytesIO()
    names: list[str] = []
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, image, result in photos:
            names = unique_names([*names, _file_name(name)])
            drawn = annotate(image, result.recognitions, class_names, threshold=threshold)
            archive.writestr(f"{names[-1]}.jpg", encode(drawn, "JPEG"))
    return buffer.getvalue()


def _face_record(number: int, recognition: Recognition, threshold: float) -> dict[str, Any]:
    face, box, pose = recognition.face, recognition.face.box, recognition.pose
    return {
        "face": number,
        "box": {"x": box.x, "y": box.y, "width": box.width, "height": box.height},
        "confidence": None if face.is_whole else round(face.confidence, 4),
        "detection": recognition.detection,
        "blurred": recognition.is_blurred,
        "pose": None if pose is None else asdict(pose),
        "probabilities": {name: round(p, 4) for name, p in recognition.probabilities.items()},
        "expression": recognition.expression,
        "answer": recognition.answer(threshold),
    }


def _file_name(name: str) -> str:
    """Returns a relative path, valid on every system, without its suffix."""
    parts = [_FORBIDDEN.sub("_", part) for part in PurePosixPath(name).parts if part != "/"]
    path = PurePosixPath(*[part for part in parts if part not in ("", ".", "..")] or ["photo"])
    return str(path.with_suffix(""))
