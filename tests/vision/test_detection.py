"""Finding faces; scikit-image's astronaut (NASA) is a real one that may be used anywhere."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
import skimage
from skimage import data

from fer_core.vision.detection import (
    Face,
    FaceDetector,
    _suppress_overlaps,
    min_face_size,
)
from fer_core.vision.images import Box, decode, resize

ASTRONAUT = data.astronaut()  # 512×512; her face is 87×112 pixels
CENTRE = 224, 116


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


def centre(face: Face) -> tuple[float, float]:
    return face.box.x + face.box.width / 2, face.box.y + face.box.height / 2


def test_a_face_is_found_with_its_landmarks(detector: FaceDetector) -> None:
    (face,) = detector.detect(ASTRONAUT)
    assert centre(face) == pytest.approx(CENTRE, abs=8)
    assert face.box.height == pytest.approx(112, abs=10)
    assert 0.99 < face.confidence <= 1
    points = face.landmarks
    assert points.left_eye[0] < points.nose[0] < points.right_eye[0]
    assert points.left_eye[1] < points.nose[1] < points.mouth_left[1]
    for x, y in astuple(points):
        assert face.box.x < x < face.box.x + face.box.width
        assert face.box.y < y < face.box.y + face.box.height


def test_a_face_has_python_numbers(detector: FaceDetector) -> None:
    (face,) = detector.detect(ASTRONAUT)
    assert all(type(value) is int for value in astuple(face.box))
    assert all(type(value) is float for point in astuple(face.landmarks) for value in point)
    assert type(face.confidence) is float


@pytest.mark.parametrize("smallest_face", [12, 20, 29, 50, 90])
def test_a_face_above_the_minimum_size_is_found(detector: FaceDetector, smallest_face: int) -> None:
    assert len(detector.detect(ASTRONAUT, smallest_face)) == 1


def test_a_face_below_the_minimum_size_is_not_returned(detector: FaceDetector) -> None:
    assert detector.detect(ASTRONAUT, smallest_face=300) == []


@pytest.mark.parametrize("factor", [0.4, 2.5, 6])
def test_boxes_and_landmarks_are_in_pixels_of_the_original_photo(
    detector: FaceDetector, factor: float
) -> None:
    size = round(512 * factor)
    (face,) = detector.detect(resize(ASTRONAUT, size, size))
    assert np.divide(centre(face), factor) == pytest.approx(CENTRE, abs=8)
    assert np.divide(face.landmarks.nose, factor) == pytest.approx((225, 128), abs=8)


def test_faces_are_sorted_from_left_to_right(detector: FaceDetector) -> None:
    small = np.full_like(ASTRONAUT, 128)
    small[100:356, 100:356] = resize(ASTRONAUT, 256, 256)
    faces = detector.detect(np.hstack([small, ASTRONAUT, small]))
    assert [face.box.x > last for face, last in zip(faces, (0, 512, 1024), strict=True)] == [
        True
    ] * 3


def test_a_face_cut_by_the_border_has_a_box_beyond_the_image(
    detector: FaceDetector,
) -> None:
    (face,) = detector.detect(ASTRONAUT[80:330, 190:440])
    assert face.box.x < 0 or face.box.y < 0
    assert face.box.height == pytest.approx(112, abs=25)


def test_a_face_that_fills_the_image_is_found(detector: FaceDetector) -> None:
    assert len(detector.detect(resize(ASTRONAUT[52:180, 160:288], 48, 48))) == 1


@pytest.mark.parametrize(("height", "width"), [(1, 1), (11, 11), (3, 2000), (2000, 3), (300, 400)])
def test_without_a_face_the_list_is_empty(detector: FaceDetector, height: int, width: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert detector.detect(noise) == []
    assert detector.detect(np.zeros_like(noise)) == []


def test_a_pattern_that_looks_like_a_face_in_one_position_only_is_doubtful(
    detector: FaceDetector,
) -> None:
    motorcycle = decode(Path(skimage.__file__).parent / "data" / "motorcycle_left.png")
    assert detector.detect(motorcycle) == []
    found = detector.detect(motorcycle, confidence=0.5)
    assert found and all(face.is_doubtful for face in found)
    (face,) = detector.detect(ASTRONAUT)
    assert not face.is_doubtful


@pytest.mark.parametrize(("shared", "left"), [(0.45, 1), (0.25, 2)])
def test_the_weaker_of_two_boxes_on_a_face_is_dropped(shared: float, left: int) -> None:
    face = np.array([0.0, 0.0, 100.0, 100.0, 0.99])
    above = np.array([0.0, -40.0, 80.0, 80 * shared, 0.9])
    above[1] = above[3] - 80
    kept = _suppress_overlaps(np.stack([above, face]), 0.35)
    assert len(kept) == left and kept[0, 4] == 0.99


@pytest.mark.slow
def test_the_largest_face_of_the_largest_photo_is_found(detector: FaceDetector) -> None:
    face = resize(ASTRONAUT[52:180, 160:288], 8000, 8000)
    assert len(detector.detect(face)) == 1


@pytest.mark.parametrize("moved", [(0, 0), (12, 8), (-16, 10)])
def test_a_face_is_tracked_into_the_next_frame(
    detector: FaceDetector, moved: tuple[int, int]
) -> None:
    (before,) = detector.detect(ASTRONAUT)
    frame = np.roll(ASTRONAUT, moved, axis=(1, 0))
    (after,) = detector.follow(frame, [before.box])
    assert after is not None
    assert centre(after) == pytest.approx(np.add(centre(before), moved), abs=5)
    assert after.landmarks.nose == pytest.approx(np.add(before.landmarks.nose, moved), abs=5)


def test_a_vanished_face_is_lost_and_others_keep_their_positions(
    detector: FaceDetector,
) -> None:
    (face,) = detector.detect(ASTRONAUT)
    elsewhere, outside = Box(380, 20, 90, 110), Box(900, 900, 90, 110)
    found = detector.follow(ASTRONAUT, [elsewhere, face.box, outside, Box(-80, -80, 60, 60)])
    assert [one is not None for one in found] == [False, True, False, False]
    assert detector.follow(ASTRONAUT, []) == []


def test_two_boxes_that_converge_become_one_face(detector: FaceDetector) -> None:
    (face,) = detector.detect(ASTRONAUT)
    beside = replace(face.box, x=face.box.x + 10)
    assert sum(one is not None for one in detector.follow(ASTRONAUT, [beside, face.box])) == 1


def test_a_higher_minimum_confidence_can_be_set(detector: FaceDetector) -> None:
    assert detector.detect(ASTRONAUT, confidence=0.9999) == []


@pytest.mark.parametrize(
    "image", [ASTRONAUT[..., 0], np.dstack([ASTRONAUT, ASTRONAUT[..., :1]]), ASTRONAUT / 255]
)
def test_an_array_that_is_not_an_rgb_photo_is_refused(
    detector: FaceDetector, image: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="must be uint8 RGB"):
        detector.detect(image)


def test_weights_in_the_current_directory_are_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pnet", "rnet", "onet"):
        (tmp_path / f"{name}.lz4").write_bytes(b"not to be unpickled")
    monkeypatch.chdir(tmp_path)
    assert len(FaceDetector().detect(ASTRONAUT)) == 1


def test_threads_may_share_a_detector() -> None:
    detector = FaceDetector()
    images = [resize(ASTRONAUT, side, side) for side in range(200, 520, 20)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(detector.detect, images))
    assert together == [detector.detect(image) for image in images]


def test_the_minimum_face_size_depends_on_the_photo_by_default() -> None:
    assert min_face_size(480, 640) == 20
    assert min_face_size(100, 100) == 20
    assert min_face_size(3000, 4000) == 125
    assert min_face_size(3000, 4000, requested=40) == 40
    assert min_face_size(3000, 4000, requested=5) == 31
    assert min_face_size(480, 640, requested=5) == 12


def test_smaller_faces_of_a_group_are_found_on_request(
    detector: FaceDetector, photos_dir: Path
) -> None:
    solvay = decode(photos_dir / "solvay.jpg")
    assert len(detector.detect(solvay)) >= 28
    assert len(detector.detect(solvay, smallest_face=12)) == 29


@pytest.mark.parametrize(
    ("name", "faces"), [("coffee.png", 0), ("hopper.jpg", 1), ("hopper_gray.jpg", 1)]
)
@pytest.mark.parametrize("smallest_face", [None, 12])
def test_the_faces_of_the_photos_are_found(
    detector: FaceDetector, photos_dir: Path, name: str, faces: int, smallest_face: int | None
) -> None:
    assert len(detector.detect(decode(photos_dir / name), smallest_face)) == faces
