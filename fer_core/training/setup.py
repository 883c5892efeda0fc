"""Prepares a process and a run's directory for training."""

import logging
import platform
import shutil
from importlib.metadata import version

import cv2
import keras

from fer_core import __version__
from fer_core.runs import Run, RunData, TrainConfig
from fer_core.storage import is_temporary, paths, write_json

LOG = logging.getLogger(__name__)

_MOST_COMPILED_BYTES = 2**30  # the oldest programs are removed beyond
# Temporary files of `storage.replacing` that the app writes into a run's directory.
_APP_FILES = (".notes.", ".request.", ".place.")


def configure_backend(config: TrainConfig) -> None:
    """Sets random seeds, precision, threads and determinism; call it before building the model.

    With `config.deterministic` a resumed run ends with the same weights, bit for bit, as one that
    was not interrupted, on one machine and with one set of versions.

    TensorFlow's thread and graph settings keep their defaults, as no alternative is clearly
    faster. Images per second with the wide classic CNN in float32 on two cores, relative to the
    default: XLA 1.02, 20 steps per execution 0.68, one intra-op thread 0.81, one inter-op thread
    0.95; batches of 256 instead of 64 1.06, too little to leave the classic batch size (medians
    of three rounds, `python -m tests.benchmarks.training_step`). CPUs support channels-last
    convolutions only.
    """
    # Faces are small: more threads in OpenCV cost more than they gain, and compete with training.
    cv2.setNumThreads(1)
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    if config.deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    if keras.backend.backend() == "jax" and has_accelerator():
        _keep_compiled_programs()
        if config.deterministic:
            LOG.warning("JAX on %s may round differently in every run.", _devices())


def has_accelerator() -> bool:
    """Tells whether Keras computes on a GPU or TPU."""
    return not all(device.startswith("cpu") for device in _devices())


def _devices() -> list[str]:
    return keras.distribution.list_devices()


def _keep_compiled_programs() -> None:
    """Makes JAX keep what it compiles in the workspace: a minute for each model on a GPU."""
    import jax

    jax.config.update("jax_compilation_cache_dir", str(paths.cache_root() / "compiled"))
    jax.config.update("jax_compilation_cache_max_size", _MOST_COMPILED_BYTES)


def remove_partial_files(run: Run) -> None:
    """Removes the temporary files of a killed attempt, and no other hidden files."""
    for path in list(run.directory.rglob(".*")):
        if path.name.startswith(_APP_FILES):
            continue  # the app may be writing it right now
        if is_temporary(path.name) and path.is_file():
            path.unlink(missing_ok=True)
    for path in (run.directory / "checkpoints").glob(".*"):
        if path.name[1:].isdecimal() and path.is_dir():
            shutil.rmtree(path)


def write_environment(run: Run, data: RunData) -> None:
    """Records the data, versions and device of a run; a resumed run keeps its first record."""
    if run.environment:
        return
    record = {
        "class_names": list(data.class_names),
        "counts": data.counts.to_dict("list"),
        "gray": data.is_gray,
        "folds": data.fold_note,
    }
    write_json(run.directory / "dataset.json", record)
    backend = keras.backend.backend()
    environment = {
        "fer_studio": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "keras": keras.__version__,
        "backend": f"{backend} {version(backend)}",
        "devices": _devices(),
        "precision": keras.config.dtype_policy().name,
        "seed": run.config.seed,
        "fingerprint": data.fingerprint,
    }
    write_json(run.directory / "environment.json", environment)
