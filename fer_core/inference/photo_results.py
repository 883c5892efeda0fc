"""What was recognised in pictures, to be taken away: a table, JSON, and annotated pictures."""

import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from fer_core.evaluation import label_or_abstain
from fer_core.inference.photos import distinct
from fer_core.inference.recognition import Recognition, annotate, recognitions_table
from fer_core.vision import encode

_FORBIDDEN = re.compile(r'[\\:*?"<>|\x00-\x1f]')  # in names, on one system or another


@dataclass(frozen=True)
class PhotoResult:
    """A picture with all that was recognised in it."""

    recognitions: tuple[Recognition, ...]
    height: int  # pixels
    width: int
    smallest: int  # pixels; smaller faces were not looked for
    milliseconds: float  # from the file to the answers


def results_table(
    found: Mapping[str, PhotoResult], class_names: Sequence[str], threshold: float
) -> pd.DataFrame:
    """A row per face of all pictures: as `recognitions_table`, and `milliseconds` of its picture.

    Args:
        found: by the picture's name.
    """
    recognitions = {name: one.recognitions for name, one in found.items()}
    table = recognitions_table(recognitions, class_names, threshold=threshold)
    times = {name: round(one.milliseconds, 1) for name, one in found.items()}
    return table.assign(milliseconds=table["image"].map(times).astype(float))


def results_json(
    found: Mapping[str, PhotoResult],
    refused: Sequence[str],
    network: Mapping[str, Any],
    settings: Mapping[str, Any],
    threshold: float,
) -> str:
    """All of it: pictures without a face and what could not be read, too.

    Args:
        found: by the picture's name.
        refused: a sentence for each file that could not be read.
        network: what stands beside its answers; see `Credentials.record`.
        settings: with which it was asked.
    """
    record = {
        "note": "A face's expression is not a person's emotion.",
        "network": dict(network),
        "settings": {**settings, "threshold": threshold},
        "images": [
            {
                "image": name,
                "width": one.width,
                "height": one.height,
                "milliseconds": round(one.milliseconds, 1),
                "faces": [_face(number, each, threshold) for number, each in _numbered(one)],
            }
            for name, one in found.items()
        ],
        "refused": list(refused),
    }
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)


def zip_annotated(
    pictures: Iterable[tuple[str, np.ndarray, PhotoResult]],
    class_names: Sequence[str],
    threshold: float,
) -> bytes:
    """A .zip of annotated JPEGs, as `annotate` draws them.

    Args:
        pictures: name, image (uint8 RGB) and what was recognised in it; names are distinct.
    """
    buffer = io.BytesIO()
    taken: list[str] = []
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, image, one in pictures:
            taken = distinct([*taken, _file_name(name)])
            drawn = annotate(image, one.recognitions, class_names, threshold=threshold)
            archive.writestr(f"{taken[-1]}.jpg", encode(drawn, "JPEG"))
    return buffer.getvalue()


def _numbered(one: PhotoResult) -> Iterable[tuple[int, Recognition]]:
    return enumerate(one.recognitions, 1)


def _face(number: int, recognition: Recognition, threshold: float) -> dict[str, Any]:
    box = recognition.face.box
    return {
        "face": number,
        "box": {"x": box.x, "y": box.y, "width": box.width, "height": box.height},
        "confidence": round(recognition.face.confidence, 4),
        "probabilities": {name: round(p, 4) for name, p in recognition.probabilities.items()},
        "expression": recognition.expression,
        "answer": label_or_abstain(recognition.probabilities, threshold),
    }


def _file_name(name: str) -> str:
    """A path below the archive that every system can write, without a suffix."""
    parts = [_FORBIDDEN.sub("_", part) for part in PurePosixPath(name).parts if part != "/"]
    path = PurePosixPath(*[part for part in parts if part not in ("", ".", "..")] or ["picture"])
    return str(path.with_suffix(""))
