"""Runs a foreign model for the first time, in a process of its own, and measures what it takes.

Sizes within the model do not depend on what is on an image (see `shapes`), so what it takes for a
few made-up faces it takes for every face.
"""

import time

import numpy as np

from fer_core.errors import FerError
from fer_core.models.parity import probe_faces
from fer_core.models.prediction import Model
from fer_core.process_limits import peak_bytes

MAX_CLASSES = 100
_MAX_SECONDS = 3.0  # of an image
_MAX_BYTES_PER_PIXEL = 8_192  # 2,048 channels of float32; VGG19 has 64 at full resolution
_BASE_BYTES = 200_000_000  # of libraries' own
_COPIES = 6  # of the file in memory, while it is loaded
_FACES = 3
TRIAL_SECONDS = 40  # of the processor, for all trials of a model; one of 500 MB takes 10


def try_model(model: Model, load_bytes: int, file_bytes: int) -> None:
    """Predicts a few faces, and refuses a model that takes too much memory or time.

    Args:
        load_bytes: that this process took before the model was loaded; see `resident_bytes`.
        file_bytes: of the model's file.

    Raises:
        FerError: it takes too much, or fails.
    """
    height, width, channels = model.input_shape[1:]
    face = probe_faces((height, width, channels), 1)
    seconds = min(_seconds(model, face) for _ in range(2))
    if seconds > _MAX_SECONDS:
        raise FerError(
            f"It must take at most {_MAX_SECONDS:g} seconds for an image. It takes {seconds:.1f}."
        )
    taken = peak_bytes() - load_bytes
    pixels = max(1024, height * width)
    allowed = _BASE_BYTES + _COPIES * file_bytes + _MAX_BYTES_PER_PIXEL * pixels
    if taken > allowed:
        raise FerError(
            f"It must take at most {allowed / 1e6:,.0f} MB of memory for an image of this size. "
            f"It takes {taken / 1e6:,.0f} MB."
        )


def probe_outputs(model: Model) -> np.ndarray:
    """Returns what a model gives for a few made-up faces, one at a time.

    Raises:
        FerError: it does not give a moderate number of classes for each.
    """
    height, width, channels = model.input_shape[1:]
    faces = probe_faces((height, width, channels), _FACES)
    outputs = np.concatenate([model.predict_on_batch(face[None]) for face in faces])
    if outputs.ndim != 2 or not 2 <= outputs.shape[1] <= MAX_CLASSES:
        raise FerError(
            f"It must give 2 to {MAX_CLASSES} numbers for an image, one for each class. "
            f"Received: {outputs.shape[1:]}"
        )
    if not np.isfinite(outputs).all():
        raise FerError("Its answers must be finite numbers. Received: NaN or infinity.")
    return outputs


def gives_same_in_batches(model: Model) -> bool:
    """Tells whether a model answers for several faces at once as for each alone."""
    height, width, channels = model.input_shape[1:]
    faces = probe_faces((height, width, channels), _FACES)
    try:
        together = model.predict_on_batch(faces)
    except FerError:
        return False
    alone = np.concatenate([model.predict_on_batch(face[None]) for face in faces])
    return together.shape == alone.shape and bool(np.allclose(together, alone, atol=1e-3))


def _seconds(model: Model, faces: np.ndarray) -> float:
    start = time.perf_counter()
    model.predict_on_batch(faces)
    return time.perf_counter() - start
