"""Keras's answers for a few made-up faces, saved with a model: onnxruntime must give the same.

Keras answers when the model is saved, where TensorFlow is loaded anyway. Whoever predicts without
TensorFlow asks the ONNX graph for the same faces, on its own machine and with its own versions.
"""

import hashlib
import json

import msgspec
import numpy as np

from fer_core.errors import FerError
from fer_core.models.prediction import Model

FACES = 8
TOLERANCE = 1e-4  # of a probability
_MAX_PIXELS = FACES * 64 * 64  # of the faces that are compared, which takes time at each start
_CELLS = (8, 4, 2, 1)  # pixels


def probe_faces(shape: tuple[int, int, int], count: int = FACES) -> np.ndarray:
    """Returns noise that is the same everywhere, fine and coarse: float32 (count, *shape)."""
    height, width, channels = shape
    size = height * width * channels
    noise = np.frombuffer(hashlib.shake_256(b"faces").digest(count * size), np.uint8)
    faces = noise.reshape(count, height, width, channels).astype(np.float32)
    for number, face in enumerate(faces):
        cell = _CELLS[number % len(_CELLS)]
        rows, columns = (np.arange(side) // cell * cell for side in (height, width))
        face[:] = face[np.ix_(rows, columns)]
    return faces


def encode_answers(answers: np.ndarray) -> bytes:
    """Returns the answers for `probe_faces` as JSON; empty if one is not finite."""
    return json.dumps(answers.tolist()).encode() if np.isfinite(answers).all() else b""


def decode_answers(data: bytes, classes: int) -> np.ndarray | None:
    """Returns what `encode_answers` was given; None if the file has none.

    Raises:
        FerError: they are not the answers of a model of so many classes.
    """
    if not data:
        return None
    try:
        rows = msgspec.json.decode(data, type=list[list[float]])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FerError(f"Its answers are damaged: {error}") from error
    if [len(row) for row in rows] != [classes] * FACES:
        raise FerError(f"It must have answers for {FACES} faces, each with {classes} classes.")
    return np.array(rows, np.float32)


def largest_difference(model: Model, answers: np.ndarray) -> float:
    """Returns how far the model's probabilities are from the saved ones; NaN if it has none.

    Of large images fewer are compared.
    """
    height, width, channels = model.input_shape[1:]
    count = max(1, min(FACES, _MAX_PIXELS // (height * width)))
    probabilities = model.predict_on_batch(probe_faces((height, width, channels), count))
    return float(np.abs(probabilities - answers[:count]).max())
