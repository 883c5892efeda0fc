"""How the faces look that a run was trained on, to compare others with."""

from collections.abc import Iterator

import numpy as np

from fer_core.appearance import Survey, sampled, survey
from fer_core.corrections import dataset_of, used_classes
from fer_core.files import read_json
from fer_core.images import face_pixels
from fer_core.runs import Run, survey_file


def survey_of(run: Run) -> Survey:
    """What the run's training faces look like, as its network gets them.

    What its training left, else what its data set tells: older versions left nothing.

    Raises:
        ValueError: neither is there, or it is damaged; says which.
    """
    record = read_json(survey_file(run))
    return Survey.of_record(record) if record is not None else survey(_faces(run))


def _faces(run: Run) -> Iterator[np.ndarray]:
    """A sample of the training faces, uint8 (height, width, channels)."""
    dataset, config = dataset_of(run), run.config
    if dataset.fingerprint() != run.fingerprint:
        raise ValueError(f"The data set {dataset.name} is another than when the run began.")
    used = dataset.index["expression"].isin(used_classes(config, dataset)).to_numpy()
    positions = dataset.select("train")
    for position in sampled(positions[used[positions]]).tolist():
        yield face_pixels(dataset.image(position), config.image_size, config.channels)
