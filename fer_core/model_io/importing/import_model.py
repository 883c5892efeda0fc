"""Imports a model that another program wrote as a finished run."""

import shutil
import tempfile
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from fer_core import models, tasks
from fer_core.errors import FerError
from fer_core.model_io.importing.choices import ImportChoices
from fer_core.model_io.importing.foreign import Files, ForeignModel
from fer_core.model_io.importing.reading import read_model
from fer_core.runs import (
    IMPORTED,
    IMPORTED_RECIPE,
    ImportRecord,
    Run,
    TrainConfig,
    importing_run,
    open_run,
)
from fer_core.storage import check_record, disk_full_as_error, paths, read_record, write_json
from fer_core.tasks import Progress, Task, kinds, queue, raise_if_stopped

_FILES = ("model.bin", "weights.bin")  # copies in the task's directory
_STEPS = 2


def inspect_model(path: Path, weights: Path | None = None) -> ForeignModel:
    """Tells what a foreign model's file says about it, in a process of its own with limits.

    Args:
        weights: a second file, of a model that `path` only describes.

    Raises:
        FerError: the file holds no model that can be imported; a sentence tells what it is, and
            what to do.
    """
    with tempfile.TemporaryDirectory() as folder:
        return read_model(Files(path, weights), None, Path(folder))


def convert_model(
    path: Path, choices: ImportChoices, folder: Path, weights: Path | None = None
) -> ForeignModel:
    """Writes the model into a folder as a run has it, in a process of its own with limits.

    To try several scalings, convert it once with "0..255" and scale the pixels before: the model
    takes any float32.

    Raises:
        FerError: as `inspect_model`, or the choices do not fit.
    """
    return read_model(Files(path, weights), choices, folder)


def import_model(
    path: Path, choices: ImportChoices, weights: Path | None = None, *, name: str = ""
) -> Run:
    """Imports a model as a finished run without history.

    Args:
        name: that the run is given; by default the file's.

    Raises:
        FerError: as `convert_model`, or changes are switched off.
    """
    tasks.check_submission(path.stat().st_size if path.is_file() else 0)
    with tempfile.TemporaryDirectory() as folder:
        model = convert_model(path, choices, Path(folder), weights)
        return _make_run(Path(folder), model, choices, name or Path(model.file).stem)


def _make_run(folder: Path, model: ForeignModel, choices: ImportChoices, name: str) -> Run:
    (converted,) = folder.iterdir()
    height, width, channels = model.input_shape
    config = TrainConfig(
        recipe=IMPORTED_RECIPE,
        architecture=IMPORTED[channels],
        image_size=(height, width),
        class_names=choices.class_names,
    )
    record = ImportRecord(
        file=model.file,
        sha256=model.sha256,
        format=model.label,
        class_names=choices.class_names,
        scaling=choices.scaling,
        color=choices.color,
        crop_margin=choices.crop_margin,
        imported=datetime.now().isoformat(timespec="seconds"),
        warnings=model.warnings,
    )
    if converted.suffix == ".keras":
        models.resave_model(converted, config, model.classes)
    is_gray = channels == 1 or choices.color == "gray"
    with importing_run(record, config, name, is_gray) as run:
        shutil.copyfile(converted, run.directory / converted.name)
    return run


def submit_import(
    path: Path, choices: ImportChoices, weights: Path | None = None, *, name: str = ""
) -> Task:
    """Queues `import_model`; the files are copied into the task's directory.

    When the task has finished, `imported_run(task)` is the run.

    Raises:
        FerError: there is no such file, changes are switched off, or there is no room.
    """
    files = [each for each in (path, weights) if each is not None]
    for each in files:
        if not each.is_file():
            raise FerError(f"There must be a file. There is no file {each}.")
    size = sum(each.stat().st_size for each in files)
    directory = tasks.new_directory(paths.tasks_root(), kinds.IMPORT_MODEL, size)
    try:
        with disk_full_as_error(directory / _FILES[0]):
            for each, copy in zip(files, _FILES, strict=False):
                shutil.copyfile(each, directory / copy)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    arguments: dict[str, Any] = {"file": path.name, "name": name, "choices": asdict(choices)}
    return queue.submit(directory, kinds.IMPORT_MODEL, arguments)


def run_import_model(task: Task) -> None:
    """Runs a task of kind "import_model"; called by the worker."""
    if task.request is None:
        raise FerError(f"{task.id} must hold a request. It has none.")
    arguments = task.request.arguments
    choices = check_record(ImportChoices, arguments["choices"])
    raise_if_stopped(task)
    task.save_progress(Progress(0, _STEPS, "steps", "Reading the model"))
    with tempfile.TemporaryDirectory(dir=task.directory) as folder:
        # Under its own name, which is kept in the run and shown in messages.
        model = Path(folder) / Path(arguments["file"]).name
        (task.directory / _FILES[0]).replace(model)
        weights = task.directory / _FILES[1]
        run = import_model(
            model,
            choices,
            weights if weights.exists() else None,
            name=arguments.get("name", ""),
        )
    weights.unlink(missing_ok=True)
    write_json(task.directory / "result.json", {"run": run.id})


def imported_run(task: Task) -> Run:
    """Returns the run that a finished task made.

    Raises:
        FerError: the task made none, or the run was deleted.
    """
    found = read_record(task.directory / "result.json", dict[str, str])
    if not found or "run" not in found:
        raise FerError(f"{task.id} has not imported a model. It is {task.state}.")
    return open_run(found["run"])
