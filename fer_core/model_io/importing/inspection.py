"""Inspects a model file in a task, tries it on a dataset, and keeps the file until it is imported.

The task's directory holds what was found as soon as it is known: first what the file says, then the
proposals.
"""

import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from fer_core import access, tasks
from fer_core.datasets import open_dataset
from fer_core.errors import FerError
from fer_core.model_io.importing.choices import ImportChoices
from fer_core.model_io.importing.foreign import Files, ForeignModel
from fer_core.model_io.importing.import_model import convert_model, inspect_model
from fer_core.model_io.importing.proposal import Proposals, Report, propose
from fer_core.storage import file_size, paths, read_record, write_json
from fer_core.tasks import ProgressReporter, Task, kinds, queue
from fer_core.text import is_one_line, shortened

_MODEL, _PROPOSALS = "model.json", "proposals.json"  # what the task found
_UPLOADS = "files"  # a folder of the task
_CONVERTED = "converted"  # another, while the model is tried
_DISCARDED = "discarded"  # marks the directory


def check_model_path(text: str) -> Path:
    """Returns the absolute path of a file that may be read; quotation marks are removed.

    Raises:
        FerError: there is no such file, or it must not be read: one sentence for both, which does
            not tell strangers what exists.
    """
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    try:
        path = Path(text).expanduser().resolve()
        is_usable = is_one_line(str(path)) and access.current().may_read(path) and path.is_file()
    except (RuntimeError, OSError, ValueError):  # an unknown user's home, or a loop of links
        is_usable = False
    if not is_usable:
        raise FerError(
            "The model must be a file on the computer that runs FER Studio, and one that it may "
            f"read. Received: {shortened(text) or 'no path'}"
        )
    return path


def submit_inspection(path: Path, weights: Path | None = None, *, dataset: str = "") -> Task:
    """Queues the inspection of a file on this machine.

    Args:
        weights: a second file, of a model that `path` only describes.
        dataset: to try the model on; "" for none.

    Raises:
        FerError: changes are switched off.
    """
    arguments: dict[str, Any] = {"model": str(path), "dataset": dataset}
    if weights is not None:
        arguments["weights"] = str(weights)
    directory = tasks.new_directory(paths.tasks_root(), kinds.INSPECT_MODEL)
    return queue.submit(directory, kinds.INSPECT_MODEL, arguments)


def submit_uploads(files: Mapping[str, BinaryIO], *, dataset: str = "") -> Task:
    """Queues the inspection of uploaded files, which are kept until the model is imported.

    Args:
        files: by their names: a model, or the JSON file of an architecture and its weights.

    Raises:
        FerError: there are more than two, or two that do not belong together; changes are
            switched off; or there is no room.
    """
    model, weights = _roles(list(files))
    size = sum(map(file_size, files.values()))
    directory = tasks.new_directory(paths.tasks_root(), kinds.INSPECT_MODEL, size)
    (directory / _UPLOADS).mkdir()
    arguments: dict[str, Any] = {"is_upload": True, "dataset": dataset}
    for role, name in (("model", model), ("weights", weights)):
        if name:
            arguments[role] = Path(name).name
            with (directory / _UPLOADS / arguments[role]).open("wb") as copy:
                shutil.copyfileobj(files[name], copy)
    return queue.submit(directory, kinds.INSPECT_MODEL, arguments)


def _roles(names: list[str]) -> tuple[str, str]:
    """Returns the name of the model's file, and that of its weights or ""."""
    described = [name for name in names if name.lower().endswith(".json")]
    if len(names) == 1:
        return names[0], ""
    if len(names) == 2 and len(described) == 1:
        return described[0], next(name for name in names if name != described[0])
    raise FerError(
        "Choose one file with the whole model; or two, the .json file of its architecture and the "
        f"file of its weights. Received: {shortened(', '.join(names)) or 'none'}"
    )


def files_of(inspection: Task) -> Files:
    """Returns the files that are inspected.

    Raises:
        FerError: the task is damaged, or a file is gone or may no longer be read.
    """
    arguments = _arguments(inspection)
    names = [arguments["model"], arguments.get("weights", "")]
    folder = inspection.directory / _UPLOADS
    uploaded = arguments.get("is_upload", False)
    model, weights = (
        (folder / name if uploaded else check_model_path(name)) if name else None for name in names
    )
    assert model is not None
    return Files(model, weights)


def dataset_of_inspection(inspection: Task) -> str:
    """Returns the dataset that the model is tried on; "" for none."""
    return str(_arguments(inspection).get("dataset", ""))


def inspect_again(inspection: Task, dataset: str) -> None:
    """Submits an inspection again, to try the model on another dataset.

    Raises:
        FerError: it is still being worked on, or is damaged.
    """
    arguments = _arguments(inspection)
    if inspection.state.is_active:
        raise FerError("Wait until the model has been tried, then choose another dataset.")
    for name in (_PROPOSALS, "result.json"):
        (inspection.directory / name).unlink(missing_ok=True)
    queue.submit(inspection.directory, kinds.INSPECT_MODEL, {**arguments, "dataset": dataset})


def inspected_model(inspection: Task) -> ForeignModel | None:
    """Returns what the file says; None until it is known.

    Raises:
        DamagedFileError: the record is damaged.
    """
    return read_record(inspection.directory / _MODEL, ForeignModel)


def proposals_of(inspection: Task) -> Proposals | None:
    """Returns the proposals; None until they are known, or without a dataset.

    Raises:
        DamagedFileError: the record is damaged.
    """
    return read_record(inspection.directory / _PROPOSALS, Proposals)


def pending_inspections() -> list[Task]:
    """Returns the inspections whose model was neither imported nor discarded; oldest first."""
    pending = []
    for task in reversed(tasks.list_tasks(kinds.INSPECT_MODEL)):
        if not (task.directory / _DISCARDED).exists():
            pending.append(task)
        elif not task.state.is_active:
            with contextlib.suppress(FerError, FileNotFoundError):  # another tab was quicker
                task.delete()
    return pending


def discard_inspection(inspection: Task) -> None:
    """Ends an inspection and deletes its files, at once or when it has stopped.

    Raises:
        AccessError: changes are switched off.
    """
    with contextlib.suppress(FileNotFoundError):
        inspection.request_stop()
        (inspection.directory / _DISCARDED).touch()
        if not inspection.state.is_active:
            inspection.delete()


def run_inspection(task: Task) -> None:
    """Runs a task of kind "inspect_model"; called by the worker.

    Raises:
        FerError: as `inspect_model`.
    """
    files, reporter = files_of(task), ProgressReporter(task)
    reporter(0, 1, "Reading the file")
    model = inspect_model(files.model, files.weights)
    write_json(task.directory / _MODEL, asdict(model))
    dataset = dataset_of_inspection(task)
    if dataset:
        found = try_on_dataset(
            files,
            model,
            dataset,
            task.directory / _CONVERTED,
            lambda done, total: reporter(done, total, f"Trying it on {dataset}"),
        )
        write_json(task.directory / _PROPOSALS, asdict(found))
    write_json(task.directory / "result.json", {"inspected": model.sha256})


def try_on_dataset(
    files: Files,
    model: ForeignModel,
    dataset: str,
    folder: Path,
    report: Report = lambda done, total: None,
) -> Proposals:
    """Returns proposals for a model from a dataset; a warning says why there are none.

    Args:
        folder: for the converted model; it is deleted at the end.
    """
    names = tuple(f"class {number}" for number in range(model.classes))
    color = "gray" if model.input_shape[2] == 1 else "RGB"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        convert_model(files.model, ImportChoices(names, "0..255", color), folder, files.weights)
        (converted,) = folder.glob("model.*")
        return propose(model, converted, open_dataset(dataset), report)
    except FerError as error:
        return Proposals(dataset, 0, (), (str(error),))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _arguments(inspection: Task) -> dict[str, Any]:
    if inspection.request is None:
        raise FerError("The inspection is damaged. Discard it, and choose the file again.")
    return inspection.request.arguments
