"""Knowledge distillation: computes the teachers' predictions for the training images."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from fer_core.datasets import open_pixels
from fer_core.errors import FerError
from fer_core.models import load_model, predict, prediction_batch_size
from fer_core.runs import Rows, Run, RunData, dataset_for
from fer_core.storage import replacing

Progress = Callable[[int, int], None]
_TINY = 1e-12  # a teacher may give all probability to an expression that the run leaves out


def with_teacher_targets(run: Run, data: RunData, progress: Progress | None = None) -> RunData:
    """Returns the run's data with the teachers' mean probabilities for each training image.

    Averaged over teachers and over the image and its mirror image, before temperature scaling.
    They are computed once and stored with the run, so that a resumed run has the same targets.

    Args:
        progress: called with the number of predictions done and their total; an exception that it
            raises cancels the computation.

    Raises:
        FerError: a teacher's weights are missing or damaged.
    """
    if not run.config.teachers:
        return data
    file = run.directory / "teachers" / "answers.npy"
    if not file.exists():
        probabilities = _mean_probabilities(run, data, progress or (lambda done, total: None))
        with replacing(file) as temporary, temporary.open("wb") as stream:
            np.save(stream, probabilities)
    return replace(data, teacher_probabilities=np.load(file))


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
    dataset = dataset_for(run.config, data.corrections)
    images = Rows(open_pixels(dataset, (height, width), channels), positions)
    size = prediction_batch_size((height, width))
    for start in range(0, len(positions), size):
        batch = images[start : start + size]
        mirrored = predict(model, batch[:, :, ::-1])
        yield positions[start : start + size], predict(model, batch) + mirrored
