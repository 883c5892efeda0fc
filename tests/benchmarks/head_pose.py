"""Measures the head pose estimated from drawn faces whose pose is known.

python -m tests.benchmarks.head_pose
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from fer_core.datasets.synthetic.face_drawing import SIZE, FaceStyle, Features, draw_face
from fer_core.vision.detection import FaceDetector
from fer_core.vision.head_pose import head_pose
from fer_core.vision.images import resize
from tests.batches.characters import STYLES

_YAWS, _OTHERS = (-30, -20, -10, 0, 10, 20, 30), (-15, 0, 15)  # degrees
_SIDE = 160  # pixels


def errors(detector: FaceDetector, style: FaceStyle) -> Iterator[tuple[float, float, float]]:
    """Yields the errors of yaw, pitch and roll of each pose in which the face is found."""
    for yaw, pitch, roll in itertools.product(_YAWS, _OTHERS, _OTHERS):
        # The drawing's pitch is positive downward.
        radians = [math.radians(angle) for angle in (yaw, -pitch, roll)]
        turned = replace(style, yaw=radians[0], pitch=radians[1], roll=radians[2])
        image = np.full((_SIDE + 80, _SIDE + 160, 3), 128, np.uint8)
        face = draw_face(Features(), turned, np.zeros((SIZE, SIZE)))
        image[40 : 40 + _SIDE, 80 : 80 + _SIDE] = resize(face, _SIDE, _SIDE)
        for found in detector.detect(image, confidence=0.7):
            pose = head_pose(found.landmarks)
            if pose is not None:
                yield pose.yaw - yaw, pose.pitch - pitch, pose.roll - roll


def main() -> None:
    detector = FaceDetector()
    found = np.array([each for style in STYLES for each in errors(detector, style)])
    poses = len(STYLES) * len(_YAWS) * len(_OTHERS) ** 2
    lines = [f"{len(found)} of {poses} faces found"]
    for name, column in zip(("yaw", "pitch", "roll"), found.T, strict=True):
        mean, bias = np.abs(column).mean(), column.mean()
        lines.append(f"{name}: mean absolute error {mean:.1f}, bias {bias:.1f} degrees")
    print("\n".join(lines))  # noqa: T201


if __name__ == "__main__":
    main()
