"""What the teachers of a run answer to its training images."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from fer_core.datasets import open_pixels
from fer_core.errors import FerError
from fer_core.models import images_at_once, load_model, predict
from fer_core.runs import Rows, Run, RunData, dataset_for
from fer_core.storage import replacing

Progress = Callable[[int, int], None]
_TINY = 1e-12  # a teacher may be wholly sure of an expression that the run does not learn


def with_teacher_targets(run: Run, data: RunData, progress: Progress | None = None) -> RunData:
    """The run's data, with the mean of what its teachers answer to each training image.

    To the image as it is and to its mirror image, before their temperatures. They are asked once
    and their answers kept with the run, so that what goes on has the same targets.

    Args:
        progress: called with the answers given and their number; what it raises ends the asking.

    Raises:
        FerError: a teacher's weights are gone or damaged.
    """
    if not run.config.teachers:
        return data
    file = run.directory / "teachers" / "answers.npy"
    if not file.exists():
        answers = _ask(run, data, progress or (lambda done, total: None))
        with replacing(file) as temporary, temporary.open("wb") as stream:
            np.save(stream, answers)
    return replace(data, teacher_probabilities=np.load(file))


def _ask(run: Run, data: RunData, progress: Progress) -> np.ndarray:
    """Answers, float32 (all images, classes); zeros where an image is not of the train split."""
    positions, teachers = data.positions("train"), run.teachers
    answers = np.zeros((len(data.pixels), len(data.class_names)), "float32")
    for number, teacher in enumerate(teachers):
        rows = len(positions) * number
        for part, probabilities in _answers(run, teacher, data, positions):
            columns = [teacher.class_names.index(name) for name in data.class_names]
            known = np.maximum(probabilities[:, columns], _TINY)
            answers[part] += known / known.sum(axis=1, keepdims=True) / len(teachers)
            rows += len(part)
            progress(rows, len(positions) * len(teachers))
    return answers


def _answers(
    run: Run, teacher: Run, data: RunData, positions: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Some of the positions, and what one teacher answers to their images; then the next."""
    if teacher.model_file is None:
        raise FerError(f"{run.id} must have the weights of its teachers. They are gone.")
    model = load_model(teacher.model_file)
    _, height, width, channels = model.input_shape
    dataset = dataset_for(run.config, data.corrections)
    images = Rows(open_pixels(dataset, (height, width), channels), positions)
    size = images_at_once((height, width))
    for start in range(0, len(positions), size):
        some = images[start : start + size]
        mirrored = predict(model, some[:, :, ::-1])
        yield positions[start : start + size], predict(model, some) + mirrored
