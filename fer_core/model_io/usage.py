"""Collects what a program must know to use a model: it travels with every export."""

from dataclasses import dataclass
from typing import Literal

from fer_core.errors import FerError
from fer_core.evaluation import provenance_of, threshold_of
from fer_core.runs import Run
from fer_core.storage import Count, Fraction, Number, cached_by_mtime, file_sha256

PROHIBITED_USES = (
    "A face's expression is not a person's emotion: do not use the model to judge, select or watch "
    "people."
)


@dataclass(frozen=True)
class MeasuredAccuracy:
    """Holds an accuracy with its 95 % interval."""

    split: str  # "val" or "test", of the dataset that the model was trained on
    value: Fraction
    low: Fraction
    high: Fraction
    images: Count
    caveat: str = ""  # sentences about images that are like those it learned from


@dataclass(frozen=True)
class ModelUsage:
    """Describes a model's input and output, and where it comes from; stored as JSON."""

    name: str
    run: str
    class_names: tuple[str, ...]  # in the order of the output
    height: Count  # of the input, in pixels
    width: Count
    channels: Literal[1, 3]
    color: Literal["gray", "RGB"]  # "gray" with three channels: three times the same
    value_range: tuple[Number, Number]  # of the pixels
    crop_margin: Number  # around the face's box, as a share of its longer side
    temperature: Number  # raise the probabilities to 1 / temperature and divide by their sum
    threshold: Fraction  # less probable answers are "not sure"
    trained_on: str
    training_images: Count | None
    accuracy: MeasuredAccuracy | None  # of the model before its export; None if not recorded
    license: str
    model_sha256: str  # of the run's model.keras


def usage_of(run: Run, value_range: tuple[float, float]) -> ModelUsage:
    """Returns what a program must know to use the model as it is now.

    Raises:
        FerError: the run has no model, or its files are damaged.
    """
    if run.model_file is None:
        raise FerError(f"{run.id} has no model to export. It is {run.state}.")
    config, calibration, provenance = run.config, run.calibration(), provenance_of(run)
    is_gray = config.channels == 1 or run.is_gray
    return ModelUsage(
        name=run.name,
        run=run.id,
        class_names=run.class_names,
        height=config.image_size[0],
        width=config.image_size[1],
        channels=3 if config.channels == 3 else 1,
        color="gray" if is_gray else "RGB",
        value_range=value_range,
        crop_margin=run.crop_margin,
        temperature=calibration.temperature if calibration else 1.0,
        threshold=threshold_of(run) or 0.0,
        trained_on=config.dataset or "unknown data",
        training_images=provenance.images,
        accuracy=_accuracy(run),
        license=_license(run),
        model_sha256=_sha256(run.model_file),
    )


def _accuracy(run: Run) -> MeasuredAccuracy | None:
    provenance = provenance_of(run)
    if provenance.score is None:
        return None
    found, clean = provenance.score.accuracy, provenance.score.clean
    said = [] if clean is None else [f"Without duplicates of training images: {clean}."]
    caveat = " ".join(filter(None, [*said, provenance.score.describe_seen()]))
    split = provenance.split
    return MeasuredAccuracy(split, found.value, found.low, found.high, found.total, caveat)


def _license(run: Run) -> str:
    if run.is_imported:
        file = run.imported.file if run.imported else "another program"
        return f"The model was imported from {file}. The license of its author holds for it."
    return (
        f"The weights were learned from {run.config.dataset}. What its license allows to do with "
        "models trained on it holds for this model too."
    )


_sha256 = cached_by_mtime(file_sha256)
