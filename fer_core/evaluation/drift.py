"""Provides the image statistics of a run's training faces, to measure drift against."""

from collections.abc import Iterator

import numpy as np

from fer_core.errors import FerError
from fer_core.runs import Run, dataset_of, image_stats_file, used_classes
from fer_core.storage import DamagedFileError, read_record
from fer_core.vision import ImageStats, compute_image_stats, face_pixels, sampled

_BLURRED = 1  # percentile of the training images' sharpness


def training_stats_of(run: Run) -> ImageStats:
    """Returns the image statistics of a run's training faces, at the size of the model's input.

    They are read from the run's directory, or, for runs of older versions, computed from its
    dataset.

    Raises:
        FerError: the file is damaged, or the dataset is missing, unknown or has changed.
    """
    stats = read_record(image_stats_file(run), ImageStats)
    if stats is not None:
        return stats
    if run.is_imported:
        raise FerError(
            f"{run.name} was imported, and its file does not tell which faces it was trained on."
        )
    try:
        return compute_image_stats(_faces(run))
    except FerError as error:
        raise FerError(
            f"{run.name} has no statistics of its training images, and they cannot be computed: "
            f"{error}"
        ) from error


def min_sharpness_of(run: Run) -> float:
    """Returns the sharpness below which a face is blurrier than 99 % of the training images.

    A model answers about such faces with as much confidence as about others, but is mostly wrong:
    see `tests/benchmarks/abstention_by_drift.py`. Returns 0 if the run has no readable statistics.
    """
    try:
        stats = read_record(image_stats_file(run), ImageStats)
    except DamagedFileError:
        return 0.0
    return stats.sharpness[_BLURRED] if stats else 0.0


def _faces(run: Run) -> Iterator[np.ndarray]:
    """Yields a sample of the training faces, uint8 (height, width, channels)."""
    dataset, config = dataset_of(run), run.config
    if dataset.fingerprint() != run.fingerprint:
        raise FerError(f"The dataset {dataset.name} has changed since the run was trained.")
    used = dataset.index["expression"].isin(used_classes(config, dataset)).to_numpy()
    positions = dataset.select("train")
    for position in sampled(positions[used[positions]]).tolist():
        yield face_pixels(dataset.image(position), config.image_size, config.channels)
