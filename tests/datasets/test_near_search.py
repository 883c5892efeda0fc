"""The parts of the search for near duplicates: cells of neighbors, and steps between faces."""

import itertools

import cv2
import numpy as np
import pytest

from fer_core.datasets.quality import cells
from fer_core.datasets.quality.alignment import thirds
from fer_core.datasets.quality.duplicates import near_groups
from fer_core.datasets.quality.measures import SIDE
from fer_core.datasets.quality.tangents import compared, described
from tests.datasets.near_copies import drawn_faces, moved


def _unit(count: int) -> np.ndarray:
    vectors = np.random.default_rng(0).normal(size=(count, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _pairs(divided: cells.Cells) -> list[tuple[int, int]]:
    """Returns the pairs that are compared, as positions before sorting."""
    pairs = []
    for rows, columns in divided.blocks(500):
        members = np.arange(columns.start, columns.stop)
        first, second = (each.ravel() for each in np.meshgrid(rows, members))
        left = divided.is_first(first, second)
        first, second = divided.order[first[left]], divided.order[second[left]]
        pairs += [
            (min(pair), max(pair)) for pair in zip(first.tolist(), second.tolist(), strict=True)
        ]
    return pairs


def test_few_vectors_are_all_compared_once() -> None:
    pairs = _pairs(cells.divided(_unit(90)))
    assert sorted(pairs) == list(itertools.combinations(range(90), 2))


def test_similar_vectors_of_many_cells_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "_MEMBERS", 30)
    monkeypatch.setattr(cells, "_VISITS", 5)
    vectors = _unit(1500)
    pairs = _pairs(cells.divided(vectors))
    assert len(pairs) == len(set(pairs)) < 0.4 * 1500 * 1499 / 2
    first, second = np.nonzero(np.triu(vectors @ vectors.T > 0.9, 1))
    similar = set(zip(first.tolist(), second.tolist(), strict=True))
    assert len(similar & set(pairs)) > 0.97 * len(similar)


def test_copies_are_found_across_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "_MEMBERS", 10)
    monkeypatch.setattr(cells, "_VISITS", 4)
    faces = drawn_faces(60)
    noise = np.random.default_rng(0).normal(0, 4, faces.shape)
    copies = np.clip(faces + noise, 0, 255).astype(np.uint8)
    sketches = np.stack([cv2.resize(each, (SIDE, SIDE)) for each in [*faces, *copies]])
    groups, _ = near_groups(sketches, np.arange(120), lambda done, total: None)
    assert groups.tolist() == 2 * list(range(60))


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_step_between_two_faces_is_estimated(mirrored: bool) -> None:
    face, rng = drawn_faces(1)[0], np.random.default_rng(0)
    other = moved(face, rng, angle=8, zoom=1.08, shift=(0.03, -0.02))
    other = other[:, ::-1] if mirrored else other
    sketches = np.stack([cv2.resize(each, (SIDE, SIDE)) for each in (face, other)])
    two = described(thirds(sketches))
    is_mirrored, alike, poses = compared(two, np.array([0]), np.array([1]))
    angle = np.radians(8)
    expected = [1.08 * np.cos(angle) - 1, -1.08 * np.sin(angle), 0.03, -0.02]
    assert is_mirrored.tolist() == [mirrored]
    assert alike[0] > 0.95
    assert poses[0] == pytest.approx(expected, abs=0.05)
