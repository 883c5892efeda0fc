"""Near duplicates: copies of a photo are found, other expressions of the person are not."""

import cv2
import numpy as np
import pytest

from fer_core.datasets.quality import duplicates
from fer_core.datasets.quality.duplicates import near_groups
from fer_core.datasets.quality.measures import SIDE
from tests.datasets.near_copies import CHANGES, character, drawn_faces, other_mouths


def grouped(images: np.ndarray) -> np.ndarray:
    sketches = np.stack(
        [cv2.resize(each, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for each in images]
    )
    return near_groups(sketches, np.arange(len(images)), lambda done, total: None)[0]


def test_copies_of_drawn_faces_are_found_after_each_change() -> None:
    faces, rng = drawn_faces(25), np.random.default_rng(0)
    copies = [change(face, rng) for change in CHANGES.values() for face in faces]
    groups = grouped(np.concatenate([faces, np.stack(copies)]))
    found = (groups[25:].reshape(len(CHANGES), 25) == groups[:25]).mean(axis=1)
    missed = {name: share for name, share in zip(CHANGES, found, strict=True) if share < 0.8}
    assert found.mean() > 0.95
    assert not missed
    assert len(np.unique(groups[:25])) == 25


def test_expressions_of_one_person_are_no_near_duplicates() -> None:
    people = [character(seed, pose) for seed in range(12) for pose in (0.0, 1.0)]
    groups = grouped(np.concatenate([np.stack(each) for each in people])).reshape(24, 7)
    pairs = groups[:, :, None] == groups[:, None, :]
    assert pairs.sum() - groups.size <= 2 * 0.01 * 24 * 21  # each pair counts twice


def test_faces_that_differ_only_in_the_mouth_are_no_near_duplicates() -> None:
    groups = grouped(np.concatenate([np.stack(other_mouths(seed)) for seed in range(24)]))
    pairs = groups.reshape(24, 5, 1) == groups.reshape(24, 1, 5)
    assert pairs.sum() - groups.size <= 2 * 0.01 * 24 * 10  # each pair counts twice


def test_blurred_copies_of_drawn_faces_are_found() -> None:
    faces, rng = drawn_faces(40), np.random.default_rng(0)
    copies = [CHANGES["blurred, sigma 1.5"](face, rng) for face in faces]
    groups = grouped(np.concatenate([faces, np.stack(copies)]))
    assert (groups[40:] == groups[:40]).mean() >= 0.95


def test_a_group_does_not_chain_pair_by_pair() -> None:
    """Frames of a slow zoom: each is like the next, the first and the last are not."""
    face = drawn_faces(1)[0]
    zooms = 1.12 ** np.arange(12)
    frames = [
        cv2.warpAffine(face, cv2.getRotationMatrix2D((48, 48), 0, z), (96, 96)) for z in zooms
    ]
    groups = grouped(np.stack(frames))
    assert groups[0] == groups[1]
    assert groups[0] != groups[-1]


def test_copies_of_copies_join_the_image_that_has_most() -> None:
    pairs = [(0, 2), (1, 2), (2, 3), (3, 4)]  # 2 is like 0, 1 and 3; 4 is only like 3
    first, second = np.array(pairs).T
    groups, similarity = duplicates._grouped(6, first, second, np.array([0.9, 0.8, 0.95, 0.99]))
    assert groups.tolist() == [0, 0, 0, 0, 4, 5]
    assert similarity.tolist() == pytest.approx([0.9, 0.8, 0.95, 0.95, 0, 0])


def test_a_still_video_is_one_group() -> None:
    frame, rng = drawn_faces(1)[0], np.random.default_rng(0)
    noisy = [np.clip(frame + rng.normal(0, 3, frame.shape), 0, 255) for _ in range(150)]
    assert not grouped(np.stack(noisy).astype(np.uint8)).any()
