"""Previews the import of a source: how it will be read, example faces, a proposed numbering."""

import shutil
from dataclasses import asdict
from pathlib import Path

from fer_core.datasets.importing import (
    EXTRACTED,
    EXTRACTION,
    FACES,
    MOST_CLASSES,
    PREVIEW,
    PROPOSAL,
    Preview,
    example_strips,
    plan_source,
    preview_of,
    preview_of_unread,
    task_arguments,
)
from fer_core.datasets.layouts import ImportPlan, UnreadableSourceError, choices_of
from fer_core.inference.numbering_proposal import propose_numbering
from fer_core.storage import write_json
from fer_core.tasks import ProgressReporter, Task, raise_if_stopped
from fer_core.vision import encode

_FILES = "files"  # copied to be read, in the task's directory


def run_preview(task: Task) -> None:
    """Runs a task of kind "preview", whose arguments are those of an import.

    What is shown is written as soon as it is known, each file whole: the faces, then the preview,
    then the proposal of a numbering, which takes seconds. An archive stays extracted, for the next
    attempt at the task with other choices.

    Raises:
        FerError: as `plan_source`, if no other choice would help.
    """
    arguments = task_arguments(task)
    upload = arguments.get("upload")
    source = task.directory / upload if upload else Path(arguments["source"])
    choices = choices_of(arguments.get("choices", {}))
    files = task.directory / _FILES
    files.mkdir(exist_ok=True)
    _remove_copies(files)
    try:
        plan = plan_source(source, files, choices, ProgressReporter(task), again=True)
    except UnreadableSourceError as error:
        _save(task, preview_of_unread(error, choices))
    else:
        _save_faces(task, plan)
        _save(task, preview_of(plan))
        _save_proposal(task, plan)
    _remove_copies(files)
    write_json(task.directory / "result.json", {"preview": True})


def _remove_copies(files: Path) -> None:
    """Removes what every preview copies again, such as an array of pixels."""
    for path in files.iterdir():
        if path.name not in (EXTRACTED, EXTRACTION):
            path.unlink()


def _save(task: Task, preview: Preview) -> None:
    write_json(task.directory / PREVIEW, asdict(preview))


def _save_faces(task: Task, plan: ImportPlan) -> None:
    folder = task.directory / FACES
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number, strip in example_strips(plan, MOST_CLASSES):
        raise_if_stopped(task)
        (folder / f"{number}.jpg").write_bytes(encode(strip, "JPEG"))


def _save_proposal(task: Task, plan: ImportPlan) -> None:
    proposal = propose_numbering(plan, lambda: raise_if_stopped(task))
    if proposal is not None:
        write_json(task.directory / PROPOSAL, asdict(proposal))
