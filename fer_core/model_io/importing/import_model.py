"""Imports a model that another program wrote as a finished run."""

from pathlib import Path

from fer_core.model_io.importing.choices import ImportChoices
from fer_core.model_io.importing.foreign import ForeignModel
from fer_core.runs import Run
from fer_core.tasks import Task


def inspect_model(path: Path, weights: Path | None = None) -> ForeignModel:
    """Tells what a foreign model's file says about it, in a process of its own with limits.

    Args:
        weights: a second file, of a model that `path` only describes.

    Raises:
        FerError: the file holds no model that can be imported; a sentence tells what it is, and
            what to do.
    """
    raise NotImplementedError


def convert_model(
    path: Path, choices: ImportChoices, folder: Path, weights: Path | None = None
) -> ForeignModel:
    """Writes the model into a folder as a run has it, in a process of its own with limits.

    To try several scalings, convert it once with "0..255" and scale the pixels before: the model
    takes any float32.

    Raises:
        FerError: as `inspect_model`, or the choices do not fit.
    """
    raise NotImplementedError


def import_model(
    path: Path, choices: ImportChoices, weights: Path | None = None, *, name: str = ""
) -> Run:
    """Imports a model as a finished run without history.

    Args:
        name: that the run is given; by default the file's.

    Raises:
        FerError: as `convert_model`, or changes are switched off.
    """
    raise NotImplementedError


def submit_import(
    path: Path, choices: ImportChoices, weights: Path | None = None, *, name: str = ""
) -> Task:
    """Queues `import_model`; the files are copied into the task's directory.

    When the task has finished, `imported_run(task)` is the run.

    Raises:
        FerError: changes are switched off, or there is no room.
    """
    raise NotImplementedError


def imported_run(task: Task) -> Run:
    """Returns the run that a finished task made.

    Raises:
        FerError: the task made none, or the run was deleted.
    """
    raise NotImplementedError
