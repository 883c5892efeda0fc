"""Knowledge distillation: computes the teachers' predictions for the training images."""

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_core.datasets import open_pixels
from fer_core.errors import FerError
from fer_core.models import load_model, predict, prediction_batch_size
from fer_core.runs import Rows, Run, RunData, dataset_for
from fer_core.storage import DamagedFileError, read_array, replacing

LOG = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
_MAX_HEADER_BYTES = 4096  # of a .npy file
_TINY = 1e-12  # a teacher may give all probability to an expression that the run leaves out


def with_teacher_targets(run: Run, data: RunData, progress: Progress | None = None) -> RunData:
    """Returns the run's data with the teachers' mean probabilities for each training image.

    Averaged over teachers and over the image and its mirror image, before temperature scaling.
    They are computed once and stored with the run, so that a resumed run has the same targets;
    again if what was stored is damaged.

    Args:
        progress: called with the number of predictions done and their total; an exception that it
            raises cancels the computation.

    Raises:
        FerError: a teacher's weights are missing or damaged.
    """
    if not run.config.teachers:
        return data
    file = run.directory / "teachers" / "answers.npy"
    probabilities = _stored_probabilities(file, (len(data.pixels), len(data.class_names)))
    if probabilities is None:
        probabilities = _mean_probabilities(run, data, progress or (lambda done, total: None))
        with replacing(file) as temporary, temporary.open("wb") as stream:
            np.save(stream, probabilities)
    return replace(data, teacher_probabilities=probabilities)


def _stored_probabilities(file: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """Returns float32 in [0, 1], or None if there are none yet, or damaged ones."""
    try:
        stored = read_array(file, max_bytes=4 * math.prod(shape) + _MAX_HEADER_BYTES)
    except FileNotFoundError:
        return None
    except DamagedFileError as error:
        LOG.warning("The teachers' predictions are computed again: %s", error)
        return None
    is_sound = stored.shape == shape and stored.dtype == np.float32
    if not is_sound or not ((stored >= 0) & (stored <= 1.001)).all():
        LOG.warning("The teachers' predictions are computed again: %s holds others.", file)
        return None
    return stored


def _mean_probabilities(run: Run, data: RunData, progress: Progress) -> np.ndarray:
    """Returns float32 (all images, classes); zeros for images outside the train split."""
    positions, teachers = data.positions("train"), run.teachers
    mean = np.zeros((len(data.pixels), len(data.class_names)), "float32")
    for number, teacher in enumerate(teachers):
        done = len(positions) * number
        for batch, probabilities in _predictions(run, teacher, data, positions):
            columns = [teacher.class_names.index(name) for name in data.class_names]
            shared = np.maximum(probabilities[:, columns], _TINY)
            mean[batch] += shared / shared.sum(axis=1, keepdims=True) / len(teachers)
            done += len(batch)
            progress(done, len(positions) * len(teachers))
    return mean


def _predictions(
    run: Run, teacher: Run, data: RunData, positions: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields positions and the summed probabilities of one teacher for them, batch by batch."""
    if teacher.model_file is None:
        raise FerError(
            f"{run.id} needs the weights of its teacher {teacher.id}. They are missing: start a "
            "new run without this teacher."
        )
    model = load_model(teacher.model_file, classes=len(teacher.class_names))
    _, height, width, channels = model.input_shape
    dataset = dataset_for(run.config, data.corrections, data.votes)
    images = Rows(open_pixels(dataset, (height, width), channels), positions)
    size = prediction_batch_size((height, width))
    for start in range(0, len(positions), size):
        batch = images[start : start + size]
        mirrored = predict(model, batch[:, :, ::-1])
        yield positions[start : start + size], predict(model, batch) + mirrored
