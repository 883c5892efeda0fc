"""What a run learns from and where: written once, before the first epoch."""

import platform
import shutil
from importlib.metadata import version

import keras

from fer_core import __version__
from fer_core.runs import Run, RunData
from fer_core.storage import write_json

# What the app writes into a run's directory, as `files.replacing` calls it meanwhile.
_OF_THE_APP = (".notes.", ".request.", ".place.")


def remove_partial_files(run: Run) -> None:
    """Removes what an attempt that was killed left half written."""
    for path in list(run.directory.rglob(".*")):
        if path.name.startswith(_OF_THE_APP):
            continue  # it may be writing just now
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def write_environment(run: Run, data: RunData) -> None:
    """Writes what the run learns from, and where; when it goes on, that stays as it was."""
    if run.environment:
        return
    record = {
        "class_names": list(data.class_names),
        "counts": data.counts.to_dict("list"),
        "gray": data.is_gray,
    }
    write_json(run.directory / "dataset.json", record)
    backend = keras.backend.backend()
    environment = {
        "fer_studio": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "keras": keras.__version__,
        "backend": f"{backend} {version(backend)}",
        "devices": keras.distribution.list_devices(),
        "precision": keras.config.dtype_policy().name,
        "seed": run.config.seed,
        "fingerprint": data.fingerprint,
    }
    write_json(run.directory / "environment.json", environment)
