"""Counts found faces and false boxes on photos with counted faces, by confidence and overlap.

    python -m tests.benchmarks.face_counts [--photos FOLDER] [--faces CSV] [--smallest PIXELS]

The table of faces has columns photo, x, y: a point in the middle of each face, in pixels, and one
row without a point for a photo that shows no face. The default, `tests/data/counted_faces.csv`,
counts those of the photos in FACE_PHOTOS_DIR and of photos that come with scikit-image and
scikit-learn. A box finds a face if the point is nearer to its center than a third of its longer
side; any other box, such as a second one on the same face, is false.
"""

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd
import skimage
import sklearn

from fer_core.vision import detection
from fer_core.vision.detection import Face, FaceDetector
from fer_core.vision.images import decode

FACES = Path(__file__).parents[1] / "data" / "counted_faces.csv"
CONFIDENCES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
OVERLAPS = (0.7, detection._OVERLAP)


class FirstLook(FaceDetector):
    """A detector whose confidence is that of the cascade, without a second look."""

    def _mean_confidence(
        self, image: np.ndarray, reduced: np.ndarray, located: np.ndarray
    ) -> np.ndarray:
        return located[:, 4]


def main() -> None:
    """Parses the command line and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=Path, default=os.environ.get("FACE_PHOTOS_DIR", "."))
    parser.add_argument("--faces", type=Path, default=FACES)
    parser.add_argument("--smallest", type=int, help="pixels; see `FaceDetector.detect`")
    options = parser.parse_args()
    table = pd.read_csv(options.faces)
    photos = {
        name: (decode(path), rows[["x", "y"]].dropna().to_numpy())
        for name, rows in table.groupby("photo")
        if (path := _find(str(name), options.photos))
    }
    people = sum(len(points) for _, points in photos.values())
    print(f"{people} faces in {len(photos)} of {table['photo'].nunique()} photos")  # noqa: T201
    print("looks  overlap  confidence  found  false")  # noqa: T201
    for kind, looks in ((FirstLook, 1), (FaceDetector, 1 + detection._LOOKS)):
        detector = kind()
        for overlap in OVERLAPS:
            detection._OVERLAP = overlap
            for confidence in CONFIDENCES:
                found = false = 0
                for image, points in photos.values():
                    faces = detector.detect(image, options.smallest, confidence)
                    hits = _hits(faces, points)
                    found, false = found + hits, false + len(faces) - hits
                print(  # noqa: T201
                    f"{looks:>5} {overlap:>8} {confidence:>11} {found:>6} {false:>6}", flush=True
                )


def _find(name: str, folder: Path) -> Path | None:
    """Returns the path of a photo; None if neither the folder nor a library has it."""
    libraries = Path(skimage.__file__).parent / "data", Path(sklearn.__file__).parent
    places = (folder, libraries[0], libraries[1] / "datasets" / "images")
    return next((place / name for place in places if (place / name).exists()), None)


def _hits(faces: list[Face], points: np.ndarray) -> int:
    """Returns how many points have a box of their own."""
    free = set(range(len(points)))
    for face in sorted(faces, key=lambda face: -face.confidence):
        box = face.box
        center = np.array([box.x + box.width / 2, box.y + box.height / 2])
        near = [
            n for n in free if np.abs(points[n] - center).max() < max(box.width, box.height) / 3
        ]
        free -= set(near[:1])
    return len(points) - len(free)


if __name__ == "__main__":
    main()
