"""Estimates how a head is turned, from the five points of a detected face."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from fer_core.vision.detection import Landmarks

# A generic head in millimeters: x to the right of the image, y down, z away from the camera. Eyes,
# tip of the nose, corners of the mouth.
_HEAD = np.array(
    [(-31.5, -33, 25), (31.5, -33, 25), (0, 0, 0), (-25, 28, 20), (25, 28, 20)], dtype=np.float64
)
_DISTANCE = 5.0  # of the camera, in heights of the five points; faces look alike from 3 to 20


@dataclass(frozen=True)
class HeadPose:
    """Holds a head's rotation in degrees, relative to one that looks into the camera.

    Of faces that are drawn with yaw to 30, pitch and roll to 15 degrees and found by the detector,
    the mean absolute errors are 3.7, 6.0 and 2.2 degrees (`python -m tests.benchmarks.head_pose`).
    The generic head is not the person's: for each person expect a constant error too.
    """

    yaw: float  # positive to the right of the image
    pitch: float  # positive upward
    roll: float  # positive clockwise, as `Face.tilt`


def head_pose(landmarks: Landmarks) -> HeadPose | None:
    """Returns the pose of a head by solving for the view of a generic one (perspective-n-point).

    Angles are rounded to a tenth of a degree. None stands for degenerate points, such as all in one
    place.
    """
    points = np.array(
        [
            *(landmarks.left_eye, landmarks.right_eye, landmarks.nose),
            *(landmarks.mouth_left, landmarks.mouth_right),
        ],
        dtype=np.float64,
    )
    if not np.isfinite(points).all():
        return None
    size = float(np.ptp(points, axis=0).max())
    if size < 1:
        return None
    centered = (points - points.mean(axis=0)) / size
    camera = np.diag([_DISTANCE, _DISTANCE, 1.0])
    found, rotation, _ = cv2.solvePnP(_HEAD, centered, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    if not found or not np.isfinite(rotation).all():
        return None
    matrix = cv2.Rodrigues(rotation)[0]
    right, ahead = matrix[:, 0], -matrix[:, 2]
    yaw = math.atan2(ahead[0], -ahead[2])
    pitch = math.asin(max(-1.0, min(1.0, -ahead[1])))
    roll = math.atan2(right[1], right[0])
    # Adding 0 makes 0.0 of -0.0.
    return HeadPose(*(round(math.degrees(angle), 1) + 0.0 for angle in (yaw, pitch, roll)))
