"""Exports a run's model, and checks the export against the model on the same faces."""

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image

from fer_core.datasets.synthetic import random_face
from fer_core.errors import FerError
from fer_core.expressions import EXPRESSIONS
from fer_core.model_io.export import REPORT, Export, check_export, folder_of
from fer_core.model_io.format import USAGE, Format, Source
from fer_core.model_io.measure import Measurement, measure_export, measure_model
from fer_core.model_io.readme import FACE, PROGRAM, README, program, readme
from fer_core.model_io.report import (
    DRAWN,
    VALIDATION,
    ExportReport,
    Timing,
    count_answers,
    largest_difference,
)
from fer_core.model_io.usage import ModelUsage, usage_of
from fer_core.runs import Run, open_data_of, open_run
from fer_core.storage import delete_folder, disk_full_as_error, write_json
from fer_core.tasks import Progress, Task, check_tree, raise_if_stopped
from fer_core.vision import face_pixels

FACES = 64  # to compare on
_STEPS = 4

_Report = Callable[[int, str], None]


def run_export(task: Task) -> None:
    """Runs a task of kind "export"; called by the worker."""
    if task.request is None:
        raise FerError(f"{task.id} must hold a request. It has none.")
    arguments = task.request.arguments
    run = open_run(arguments["run"])
    format = check_export(run, arguments["format"])

    def report(done: int, message: str) -> None:
        raise_if_stopped(task)
        if message:
            task.save_progress(Progress(done, _STEPS, "steps", message))

    export_model(run, format, report)
    write_json(task.directory / "result.json", dict(arguments))


def export_model(run: Run, format: Format, report: _Report = lambda done, message: None) -> Export:
    """Writes a run's model in a format, with all that one needs to use it, and checks it.

    An older export in this format is replaced when all is done.

    Args:
        report: called with the steps done and what is being done, and often with an empty message
            while another process works; an exception it raises ends the export.

    Raises:
        FerError: the run has no model, or its files are damaged; or the model does not fit the
            format.
    """
    usage = usage_of(run, format.value_range)
    report(0, "Reading faces")
    faces, labels = _faces(run, usage)
    with _new_folder(folder_of(run), format.name) as folder:
        report(1, f"Writing {format.label}")
        source = Source(_model_file(run), run.config, usage)
        format.write(source, folder / format.file)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        _write_companions(folder, format, usage, faces.shape[1:])
        report(2, "Predicting with Keras")
        by_model = measure_model(faces, source.model_file, folder_of(run), lambda: report(2, ""))
        report(3, f"Predicting with {format.label}")
        by_export = measure_export(faces, folder, lambda: report(3, ""))
        found = ExportReport(
            format=format.name,
            usage=usage,
            faces=len(faces),
            source=DRAWN if labels is None else VALIDATION,
            largest_difference=largest_difference(by_model.probabilities, by_export.probabilities),
            agreeing=_agreeing(by_model, by_export),
            answers=None
            if labels is None
            else count_answers(by_model.probabilities, by_export.probabilities, labels),
            model=Timing.of(by_model, source.model_file.stat().st_size),
            export=Timing.of(by_export, size),
            exported=datetime.now().isoformat(timespec="seconds"),
        )
        write_json(folder / REPORT, asdict(found))
    return Export(run, format, folder_of(run) / format.name, found)


def _model_file(run: Run) -> Path:
    if run.model_file is None:
        raise FerError(f"{run.id} has no model to export. It is {run.state}.")
    return run.model_file


def _agreeing(one: Measurement, other: Measurement) -> int:
    """Returns the number of faces that get the same label."""
    labels = [each.probabilities.argmax(axis=1) for each in (one, other)]
    return int((labels[0] == labels[1]).sum())


@contextmanager
def _new_folder(parent: Path, name: str) -> Iterator[Path]:
    """Yields a hidden folder that replaces `parent/name` when the block succeeds."""
    parent.mkdir(parents=True, exist_ok=True)
    check_tree(parent)
    for unfinished in parent.glob(f".{name}.*"):  # by a process that was killed
        shutil.rmtree(unfinished, ignore_errors=True)
    folder = parent / f".{name}.{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    try:
        with disk_full_as_error(folder):
            yield folder
        delete_folder(parent / name)
        folder.rename(parent / name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_companions(
    folder: Path, format: Format, usage: ModelUsage, shape: tuple[int, ...]
) -> None:
    """Writes the usage as JSON, the program, the README and a drawn face."""
    (folder / f"{USAGE}.json").write_text(json.dumps(asdict(usage), indent=2), encoding="utf-8")
    (folder / PROGRAM).write_text(program(format, usage), encoding="utf-8")
    (folder / README).write_text(readme(format, usage), encoding="utf-8")
    face = _drawn(usage, 1)[0]
    Image.fromarray(face[..., 0] if shape[-1] == 1 else face).save(folder / FACE)


def _faces(run: Run, usage: ModelUsage) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns faces, uint8 (n, height, width, channels), and their class numbers.

    They are validation images, evenly spaced over the split; or, where the run's dataset is not on
    this machine, drawn faces without class numbers.
    """
    try:
        data = open_data_of(run)
    except FerError:
        return _drawn(usage, FACES), None
    positions = data.positions("val")
    chosen = positions[np.linspace(0, len(positions) - 1, min(FACES, len(positions))).astype(int)]
    if not len(chosen):
        return _drawn(usage, FACES), None
    return np.asarray(data.pixels[chosen]), data.labels(chosen)


def _drawn(usage: ModelUsage, count: int) -> np.ndarray:
    """Returns drawn faces as the model takes them."""
    size = (usage.height, usage.width)
    drawn = [
        random_face(EXPRESSIONS[number % len(EXPRESSIONS)], np.random.default_rng([0, number]))
        for number in range(count)
    ]
    return np.stack(
        [face_pixels(face, size, usage.channels, gray=usage.color == "gray") for face in drawn]
    )
