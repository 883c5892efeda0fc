"""Draws a dataset of schematic faces, to try everything without a download."""

import dataclasses
from collections.abc import Callable
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
from fer_core.datasets.synthetic.random_faces import random_face
from fer_core.errors import FerError
from fer_core.expressions import EXPRESSIONS
from fer_core.storage import write_json
from fer_core.tasks import Task, kinds

MAX_FACES = kinds.MAX_FACES
_SPLITS = ("train",) * 8 + ("val", "test")  # of ten faces of a class


def draw_dataset(
    name: str,
    count: int = 2100,
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> Dataset:
    """Draws `count` faces, cycling through the seven expressions, and adds them as a dataset.

    Each class is split 80/10/10 into train, val and test. The same seed draws the same faces;
    a larger count adds more.

    Raises:
        FerError: the name is invalid or taken, or the count is out of range.
    """
    if not 70 <= count <= MAX_FACES:
        raise FerError(f"`count` must be from 70 to {MAX_FACES:,} faces. Received: {count:,}")
    report = progress or (lambda done, total, message: None)
    return build_dataset(name, lambda folder: _draw(folder, count, seed, report), report)


def _draw(folder: Path, count: int, seed: int, report: Report) -> ImportPlan:
    def draw(numbers: range) -> int:
        for number in numbers:
            expression = EXPRESSIONS[number % len(EXPRESSIONS)]
            split = _SPLITS[number // len(EXPRESSIONS) % len(_SPLITS)]
            face = random_face(expression, np.random.default_rng([seed, number]))
            file = folder / "images" / split / expression / f"{expression}_{number:05d}.jpg"
            Image.fromarray(face).save(file, quality=92)
        return len(numbers)

    for split in _SPLITS[-3:]:
        for expression in EXPRESSIONS:
            (folder / "images" / split / expression).mkdir(parents=True)
    done = 0
    for drawn in in_chunks(draw, count):
        done += drawn
        report(done, count, f"Drew {done:,} of {count:,} faces")
    plan = plan_import(folder / "images", folder, report=report)
    note = f"{count:,} schematic faces of {SIZE}×{SIZE} pixels, drawn with seed {seed}."
    parsed = dataclasses.replace(
        plan.parsed, layout="Drawn faces", notes=(), summary=lambda index: note
    )
    return dataclasses.replace(plan, parsed=parsed, name_notes=())


def run_draw(task: Task) -> None:
    """Runs a task of kind "draw"; its arguments are those of `draw_dataset`.

    Raises:
        FerError: as `draw_dataset`.
    """
    dataset = draw_dataset(**task_arguments(task), progress=import_progress(task))
    write_json(task.directory / "result.json", {"dataset": dataset.name})
