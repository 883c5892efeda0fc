"""Exports a run's model as a classic Keras .h5 file."""

from pathlib import Path

from fer_core.errors import FerError
from fer_core.model_io import write_h5
from fer_core.runs import Run
from fer_core.storage import replacing, write_json

VGG19_NAME = "my_vgg19_dropout_model.h5"


def export_h5(run: Run, name: str = VGG19_NAME) -> Path:
    """Writes the run's model as the classic training script saves it, and its class names.

    `<name without .h5>_classes.json` lists the classes in output order, as Keras's directory
    readers sort classes alphabetically and this program does not. See `model_io.write_h5`.

    Raises:
        FerError: the run has no model.
    """
    if run.model_file is None:
        raise FerError(f"{run.id} has no model to export. It is {run.state}.")
    run.require_keras("An .h5 file")
    path = run.directory / "export" / name
    path.parent.mkdir(exist_ok=True)
    write_json(path.with_name(f"{path.stem}_classes.json"), list(run.class_names))
    with replacing(path) as temporary:
        write_h5(run.model_file, temporary)
    return path
