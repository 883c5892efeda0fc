"""The head pose of projected and of degenerate points."""

import math

import cv2
import numpy as np
import pytest

from fer_core.vision.detection import Landmarks
from fer_core.vision.head_pose import _HEAD, head_pose


def projected(yaw: float, pitch: float, roll: float, distance: float = 600.0) -> Landmarks:
    """The points of the generic head, turned by so many degrees, as a camera sees them.

    Args:
        distance: of the camera in millimeters.
    """
    y, p, r = (math.radians(angle) for angle in (yaw, pitch, roll))
    around_y = cv2.Rodrigues(np.array([0.0, -y, 0.0]))[0]
    around_x = cv2.Rodrigues(np.array([-p, 0.0, 0.0]))[0]
    around_z = cv2.Rodrigues(np.array([0.0, 0.0, r]))[0]
    turned = (_HEAD - _HEAD.mean(axis=0)) @ (around_z @ around_y @ around_x).T
    points = 900 * turned[:, :2] / (turned[:, 2:] + distance) + (320, 240)
    return Landmarks(*((float(x), float(y)) for x, y in points))


@pytest.mark.parametrize("yaw", [-40, -15, 0, 25])
@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (20, 0), (-20, 0), (0, 30)])
def test_the_pose_of_projected_points_is_found(yaw: int, pitch: int, roll: int) -> None:
    pose = head_pose(projected(yaw, pitch, 0 if yaw else roll))
    assert pose is not None
    found = (pose.yaw, pose.pitch, pose.roll)
    assert found == pytest.approx((yaw, pitch, 0 if yaw else roll), abs=5 if pitch and yaw else 3)


def test_the_place_and_size_of_a_face_do_not_change_its_pose() -> None:
    here = projected(20, 10, 0)
    points = [here.left_eye, here.right_eye, here.nose, here.mouth_left, here.mouth_right]
    there = Landmarks(*((3 * x - 500, 3 * y + 70) for x, y in points))
    one, other = head_pose(here), head_pose(there)
    assert one is not None and other is not None
    assert (one.yaw, one.pitch, one.roll) == pytest.approx(
        (other.yaw, other.pitch, other.roll), abs=0.11
    )


@pytest.mark.parametrize("value", [0.0, 5.0, math.nan, math.inf])
def test_points_in_one_place_have_no_pose(value: float) -> None:
    assert head_pose(Landmarks(*((value, value) for _ in range(5)))) is None


def test_any_points_have_a_pose_in_range_or_none() -> None:
    rng = np.random.default_rng(0)
    for points in rng.integers(-50, 50, (200, 5, 2)):
        pose = head_pose(Landmarks(*((float(x), float(y)) for x, y in points)))
        if pose is not None:
            assert max(abs(pose.yaw), abs(pose.roll)) <= 180 and abs(pose.pitch) <= 90
