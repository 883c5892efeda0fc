"""The drawn data set: schematic faces, equal for equal seeds."""

import hashlib
import itertools
from pathlib import Path

import numpy as np
import pytest

from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset, run_draw
from fer_core.datasets.synthetic.random_faces import random_character, random_face
from fer_core.errors import FerError
from fer_core.expressions import EXPRESSIONS
from fer_core.storage.reading import read_json
from fer_core.tasks import task as tasks
from tests.tasks.requests import write_request


@pytest.fixture(autouse=True)
def drawn_once() -> None:
    """Draws every face anew, since that is what these tests are about."""


def face(expression: str, seed: int) -> np.ndarray:
    return random_face(expression, np.random.default_rng(seed))


def test_drawn_faces_have_every_expression_in_every_split():
    dataset = draw_dataset("drawn", count=140)
    counts = dataset.counts()
    assert list(counts.index) == list(EXPRESSIONS)
    assert counts.loc["happy"].tolist() == [16, 2, 2]
    assert dataset.layout == "Drawn faces"
    assert dataset.has_own_validation


def test_equal_seeds_draw_equal_faces_and_a_larger_count_the_same_and_more():
    small = draw_dataset("small", count=140, seed=5)
    large = draw_dataset("large", count=210, seed=5)
    other = draw_dataset("other", count=140, seed=6)
    assert set(small.index["content"]) < set(large.index["content"])
    assert not set(small.index["content"]) & set(other.index["content"])


def test_a_face_is_the_same_on_every_machine_but_for_rounding():
    image = face("happy", 0)
    assert image.shape == (96, 96, 3)
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image.mean(axis=(0, 1)), [203.8, 161.8, 143.6], atol=0.5)


def test_no_two_faces_are_alike():
    digests = {hashlib.sha256(face("fear", seed).tobytes()).digest() for seed in range(50)}
    assert len(digests) == 50


def test_one_person_looks_different_with_every_expression():
    for seed in range(5):
        faces = [face(name, seed).astype(int) for name in EXPRESSIONS]
        for first, second in itertools.combinations(faces, 2):
            assert np.abs(first - second).mean() > 1


def test_one_expression_varies_in_strength_and_from_person_to_person():
    faces = [face("happy", seed).astype(int) for seed in range(5)]
    for first, second in itertools.combinations(faces, 2):
        assert np.abs(first - second).mean() > 10


@pytest.mark.parametrize("count", [0, 69, 10**9])
def test_counts_out_of_range_are_refused(count):
    with pytest.raises(ValueError, match="There must be"):
        draw_dataset("drawn", count=count)


def test_the_task_draws_it_and_says_how_far_it_is(workspace: Path):
    directory = workspace / "tasks" / "draw"
    write_request(directory, "draw", name="drawn", count=70, seed=1)
    task = tasks.Task(directory)
    run_draw(task)
    assert read_json(directory / "result.json") == {"dataset": "drawn"}
    assert task.progress is not None
    assert open_dataset("drawn").images == 70


def test_drawn_subjects_have_every_expression_and_are_in_one_split_each():
    index = draw_dataset("drawn", count=210, subjects=15).index
    assert index["subject"].nunique() == 15
    assert (index.groupby("subject")["expression"].nunique() == len(EXPRESSIONS)).all()
    assert (index.groupby("subject")["split"].nunique() == 1).all()
    assert set(index["split"]) == {"train", "val", "test"}


def test_faces_of_one_subject_are_more_alike_than_those_of_others():
    people = [random_character(np.random.default_rng(seed)) for seed in (1, 2)]
    one, same, other = (
        random_face("happy", np.random.default_rng(seed), person).astype(int)[30:70, 30:70]
        for seed, person in ((3, people[0]), (4, people[0]), (3, people[1]))
    )
    assert np.abs(one.mean((0, 1)) - same.mean((0, 1))).max() < 20
    assert np.abs(one.mean((0, 1)) - other.mean((0, 1))).max() > 40


@pytest.mark.parametrize("subjects", [1, 9, 31])
def test_subjects_that_no_split_or_expression_has_room_for_are_refused(subjects):
    with pytest.raises(FerError, match=f"Received: {subjects}"):
        draw_dataset("drawn", count=210, subjects=subjects)
