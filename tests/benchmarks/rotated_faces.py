"""Measures the gain of rotating tilted faces upright by their eyes before recognition.

    python -m tests.benchmarks.rotated_faces [--faces 1000] [--run ID]

Enlarges faces of FER2013's PublicTest (FER2013_DIR) three times, pads them with repeated edges and
rotates them by known angles. Prints for each angle how many faces are detected and the accuracy
on those: as they are, and with faces rotated back if they seem tilted by more than a limit.
"""

import argparse
import os
import sys

import cv2
import numpy as np

from fer_core.expressions import EXPRESSIONS
from fer_core.inference.recognition import Classifier
from fer_core.runs.listing import list_runs, open_run
from fer_core.vision.detection import Face, FaceDetector
from fer_core.vision.images import crop_face

ANGLES = (0, 10, 20, 30, 40)
LIMITS = (0.0, 10.0, 15.0, 18.0, 20.0, 25.0)
SIDE, FRAME = 144, 72  # pixels of the enlarged face and of the padding


def main() -> None:
    """Parses the command line and runs the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--faces", type=int, default=1000)
    parser.add_argument("--run", default="", help="id of a run; default: the pretrained model")
    options = parser.parse_args()
    sys.path.insert(0, os.environ["FER2013_DIR"])
    import fer2013

    pixels, rows = fer2013.load()
    public = [number for number, row in enumerate(rows) if row["Usage"] == "PublicTest"]
    chosen = np.random.default_rng(0).choice(public, options.faces, replace=False)
    truth = np.array([int(rows[number]["emotion"]) for number in chosen])  # as `EXPRESSIONS`
    detector = FaceDetector()
    classifier = Classifier.load(open_run(options.run) if options.run else list_runs()[-1])
    print("angle  found  as they are", *(f"  > {limit:g}°" for limit in LIMITS))  # noqa: T201
    for angle in ANGLES:
        pictures = [_turned(pixels[number], angle) for number in chosen]
        faces = [_in_the_middle(detector.detect(one, SIDE // 2), one) for one in pictures]
        found = [number for number, face in enumerate(faces) if face]
        right = _right(classifier, [pictures[n] for n in found], [faces[n] for n in found])
        shares = [100 * (answers == truth[found]).mean() for answers in right]
        print(  # noqa: T201
            f"{angle:>4}° {len(found):>6} {shares[0]:>12.1f} ",
            *(f" {share:5.1f}" for share in shares[1:]),
            flush=True,
        )


def _turned(pixels: np.ndarray, angle: float) -> np.ndarray:
    """Returns a gray 48×48 face with padding, rotated clockwise, as uint8 RGB."""
    large = cv2.resize(pixels.reshape(48, 48), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, FRAME, FRAME, FRAME, FRAME, cv2.BORDER_REPLICATE)
    side = len(framed)
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), -angle, 1)
    leaning = cv2.warpAffine(
        framed, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return cv2.cvtColor(leaning, cv2.COLOR_GRAY2RGB)


def _in_the_middle(faces: list[Face], picture: np.ndarray) -> Face | None:
    middle = len(picture) / 2

    def away(face: Face) -> float:
        x, y = face.box.x + face.box.width / 2, face.box.y + face.box.height / 2
        return abs(x - middle) + abs(y - middle)

    return min(faces, key=away, default=None)


def _right(
    classifier: Classifier, pictures: list[np.ndarray], faces: list[Face | None]
) -> list[np.ndarray]:
    """Returns predicted class indices: as they are, then rotated back above each limit."""
    pairs = [(picture, face) for picture, face in zip(pictures, faces, strict=True) if face]
    as_they_are = classifier.predict([crop_face(picture, face.box) for picture, face in pairs])
    back = classifier.predict([crop_face(one, face.box, 0.0, face.tilt) for one, face in pairs])
    tilts = np.abs([face.tilt for _, face in pairs])
    chosen = [np.where(tilts[:, None] > limit, back, as_they_are) for limit in LIMITS]
    known = [EXPRESSIONS.index(name) for name in classifier.class_names]
    return [np.array(known)[answers.argmax(1)] for answers in (as_they_are, *chosen)]


if __name__ == "__main__":
    main()
