"""How the faces look that a run was trained on, to compare others with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fer_core.errors import FerError
from fer_core.runs import Run, dataset_of, image_stats_file, used_classes
from fer_core.storage import read_json
from fer_core.vision import ImageStats, compute_image_stats, face_pixels, sampled


def training_stats_of(run: Run) -> ImageStats:
    """What the run's training faces look like, as its network gets them.

    What its training left, else what its data set tells: older versions left nothing.

    Raises:
        FerError: neither is there, or it is damaged; says which.
    """
    file = image_stats_file(run)
    if file.exists():
        return ImageStats.of_record(_record(file))
    try:
        return compute_image_stats(_faces(run))
    except ValueError as error:
        raise FerError(
            f"{run.name} has not kept how its training faces look, and its data set cannot tell: "
            f"{error}"
        ) from error


def _record(file: Path) -> Any:
    try:
        return read_json(file)
    except ValueError:  # no JSON; whoever reads it says that it is damaged
        return None


def _faces(run: Run) -> Iterator[np.ndarray]:
    """A sample of the training faces, uint8 (height, width, channels)."""
    dataset, config = dataset_of(run), run.config
    if dataset.fingerprint() != run.fingerprint:
        raise FerError(f"The data set {dataset.name} is another than when the run began.")
    used = dataset.index["expression"].isin(used_classes(config, dataset)).to_numpy()
    positions = dataset.select("train")
    for position in sampled(positions[used[positions]]).tolist():
        yield face_pixels(dataset.image(position), config.image_size, config.channels)
