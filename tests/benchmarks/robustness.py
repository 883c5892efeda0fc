"""Measures what happens to a model's accuracy on faces as a camera may show them.

    python -m tests.benchmarks.robustness [--faces 3589] [--run ID]

Takes the faces of FER2013's PublicTest (FER2013_DIR) as they are and changed: smaller, darker,
blurred, compressed, in colored light and turned in the image plane. A head that looks aside cannot
be made from a picture of its front, so that is not measured. Prints a Markdown table: the accuracy
of all answers, its difference from that on unchanged faces, which share of the faces is not "not
sure", and how many of those answers are right.
"""

import argparse
import os
import sys
from collections.abc import Callable

import cv2
import numpy as np

from fer_core.inference.recognition import Classifier
from fer_core.runs import list_runs, open_run

SIDE = 48
Change = Callable[[np.ndarray], np.ndarray]  # of an RGB face, uint8 (48, 48, 3)


def main() -> None:
    """Parses the command line and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--faces", type=int, default=3589)
    parser.add_argument("--run", default="", help="id of a run; default: the pretrained model")
    options = parser.parse_args()
    faces, truth = _public_test(options.faces)
    classifier = Classifier.load(open_run(options.run) if options.run else list_runs()[-1])
    print("| the face is | accuracy | change | answered | right of these |")  # noqa: T201
    print("|---|---|---|---|---|")  # noqa: T201
    unchanged = 0.0
    for name, change in _changes().items():
        inputs = [classifier.pixels(change(face)) for face in faces]
        probabilities = classifier.predict_pixels(inputs)
        is_right = probabilities.argmax(axis=1) == truth
        is_answered = probabilities.max(axis=1) >= classifier.threshold
        accuracy = is_right.mean()
        unchanged = unchanged or accuracy
        among = f"{is_right[is_answered].mean():.1%}" if is_answered.any() else ""
        difference = "" if accuracy == unchanged else f"{100 * (accuracy - unchanged):+.1f}"
        row = [name, f"{accuracy:.1%}", difference, f"{is_answered.mean():.1%}", among]
        print(f"| {' | '.join(row)} |", flush=True)  # noqa: T201


def _public_test(count: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Returns the first faces, RGB uint8 (48, 48, 3), and their labels."""
    sys.path.insert(0, os.environ["FER2013_DIR"])
    import fer2013

    pixels, rows = fer2013.load()
    places = [n for n, row in enumerate(rows) if row["Usage"] == "PublicTest"][:count]
    faces = [cv2.cvtColor(pixels[place], cv2.COLOR_GRAY2RGB) for place in places]
    return faces, np.array([int(rows[place]["emotion"]) for place in places])


def _changes() -> dict[str, Change]:
    noise = np.random.default_rng(0)
    return {
        "as it is": lambda face: face,
        "24 pixels wide": lambda face: _small(face, 24),
        "16 pixels wide": lambda face: _small(face, 16),
        "dark: a quarter of the brightness": lambda face: _lit(face, 0.25),
        "dark, with sensor noise of 4 gray levels": lambda face: np.clip(
            _lit(face, 0.25) + noise.normal(0, 4, face.shape), 0, 255
        ).astype("uint8"),
        "overexposed: 1.8 times the brightness": lambda face: _lit(face, 1.8),
        "blurred, σ = 1.5 pixels": lambda face: cv2.GaussianBlur(face, (0, 0), 1.5),
        "JPEG of quality 15": lambda face: _compressed(face, 15),
        "in warm light": lambda face: _lit(face, (1.0, 0.75, 0.45)),
        "in blue light": lambda face: _lit(face, (0.45, 0.75, 1.0)),
        "turned 10°": lambda face: _turned(face, 10),
        "turned 20°": lambda face: _turned(face, 20),
    }


def _small(face: np.ndarray, side: int) -> np.ndarray:
    """Returns the face at another size; the classifier scales it up again."""
    return cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)


def _lit(face: np.ndarray, factors: float | tuple[float, float, float]) -> np.ndarray:
    return np.clip(face * np.asarray(factors), 0, 255).astype("uint8")


def _compressed(face: np.ndarray, quality: int) -> np.ndarray:
    _, data = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)  # gray: the order of the channels is no matter


def _turned(face: np.ndarray, degrees: float) -> np.ndarray:
    center = (SIDE - 1) / 2
    matrix = cv2.getRotationMatrix2D((center, center), degrees, 1.0)
    return cv2.warpAffine(
        face, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


if __name__ == "__main__":
    main()
