"""Draws a dataset of schematic faces, to try everything without a download."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.builder import build_dataset
from fer_core.datasets.importing.import_task import import_progress, task_arguments
from fer_core.datasets.layouts import ImportPlan, plan_import
from fer_core.datasets.layouts.layout import Report
from fer_core.datasets.parallel import in_chunks
from fer_core.datasets.synthetic.face_drawing import SIZE
from fer_core.datasets.synthetic.random_faces import Character, random_character, random_face
from fer_core.errors import FerError
from fer_core.expressions import EXPRESSIONS
from fer_core.storage import write_json
from fer_core.tasks import Task, kinds
from fer_core.text import counted

MAX_FACES = kinds.MAX_FACES
_SPLITS = ("train",) * 8 + ("val", "test")  # of ten faces of a class, or of ten subjects
_FEWEST_SUBJECTS = 10  # so that each split has one


def draw_dataset(
    name: str,
    count: int = 2100,
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
    *,
    subjects: int = 0,
) -> Dataset:
    """Draws `count` faces, cycling through the seven expressions, and adds them as a dataset.

    Each class is split 80/10/10 into train, val and test. The same seed draws the same faces;
    a larger count adds more.

    Args:
        subjects: of how many people the faces are. Each has every expression, with the same head,
            hair, skin and glasses, and is in one split; the index tells who it is. With 0, every
            face is somebody else's.

    Raises:
        FerError: the name is invalid or taken, or the count or the subjects are out of range.
    """
    check_drawing(count, subjects)
    report = progress or (lambda done, total, message: None)
    return build_dataset(name, lambda folder: _draw(folder, count, seed, subjects, report), report)


def check_drawing(count: int, subjects: int = 0) -> None:
    """Checks the arguments of `draw_dataset`.

    Raises:
        FerError: the count or the subjects are out of range.
    """
    if not 70 <= count <= MAX_FACES:
        raise FerError(f"There must be from 70 to {MAX_FACES:,} faces. Received: {count:,}")
    most = count // len(EXPRESSIONS)
    if subjects and not _FEWEST_SUBJECTS <= subjects <= most:
        raise FerError(
            f"{count:,} faces can be of {_FEWEST_SUBJECTS} to {most:,} subjects, or of 0: each "
            f"split needs a subject, and each subject all expressions. Received: {subjects:,}"
        )


def _draw(folder: Path, count: int, seed: int, subjects: int, report: Report) -> ImportPlan:
    people = [_person(seed, subject) for subject in range(subjects)]

    def draw(numbers: range) -> int:
        for number in numbers:
            round_number, expression = divmod(number, len(EXPRESSIONS))
            _draw_one(folder / "images", EXPRESSIONS[expression], round_number, seed, people)
        return len(numbers)

    for split in _SPLITS[-3:]:
        for expression in EXPRESSIONS:
            (folder / "images" / split / expression).mkdir(parents=True)
    done = 0
    for drawn in in_chunks(draw, count):
        done += drawn
        report(done, count, f"Drew {done:,} of {count:,} faces")
    plan = plan_import(folder / "images", folder, report=report)
    whose = f" of {counted(subjects, 'subject')}" if subjects else ""
    note = f"{count:,} schematic faces{whose} of {SIZE}×{SIZE} pixels, drawn with seed {seed}."
    parsed = dataclasses.replace(
        plan.parsed, layout="Drawn faces", notes=(), summary=lambda index: note
    )
    return dataclasses.replace(plan, parsed=parsed, name_notes=())


def _person(seed: int, subject: int) -> Character:
    # Three numbers: those of faces are two, and zeros at the end do not count.
    return random_character(np.random.default_rng([seed, subject, 1]))


def _draw_one(
    folder: Path, expression: str, round_number: int, seed: int, people: Sequence[Character]
) -> None:
    """Draws one of the faces of an expression, whose subject is told by the file's name."""
    number = round_number * len(EXPRESSIONS) + EXPRESSIONS.index(expression)
    subject = round_number % len(people) if people else None
    person = None if subject is None else people[subject]
    face = random_face(expression, np.random.default_rng([seed, number]), person)
    split = _SPLITS[(round_number if subject is None else subject) % len(_SPLITS)]
    prefix = "" if subject is None else f"S{subject + 1:04d}_"
    file = folder / split / expression / f"{prefix}{expression}_{number:05d}.jpg"
    Image.fromarray(face).save(file, quality=92)


def run_draw(task: Task) -> None:
    """Runs a task of kind "draw"; its arguments are those of `draw_dataset`.

    Raises:
        FerError: as `draw_dataset`.
    """
    dataset = draw_dataset(**task_arguments(task), progress=import_progress(task))
    write_json(task.directory / "result.json", {"dataset": dataset.name})
