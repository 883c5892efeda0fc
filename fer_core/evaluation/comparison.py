"""Compares runs: settings that differ, curves, seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import pandas as pd

from fer_core import text
from fer_core.evaluation.metrics import Accuracy, Score, score
from fer_core.evaluation.significance import correct_by_image
from fer_core.runs import CUT_SHORT, RECIPES, SETTINGS, Run, TrainConfig
from fer_core.storage import stamp
from fer_core.tasks import TaskState

# The x-axes of a curve: columns of `RunRecord.curves`, and their labels.
AXES = {"epochs": "Epoch", "steps": "Step", "seconds": "Time"}
SPLIT_NAMES = {split: text.SPLIT_NAMES[split] for split in ("val", "test")}

# Settings that do not change which model is trained.
_IGNORED = ("recipe", "test_at_end", "tensorboard", "deterministic")
_LABELS = {"dataset": "Dataset", "recipe": "Recipe"}
_FILES = (
    "environment.json",
    "dataset.json",
    "history.csv",
    "result.json",
    "predictions/val.csv",
    "predictions/test.csv",
    "predictions/test.json",
)


@dataclass(frozen=True)
class SplitPredictions:
    """Holds the score of a run's model on a split, and which images it got right."""

    score: Score
    correct: pd.Series  # see `significance.correct_by_image`

    @property
    def accuracy(self) -> Accuracy:
        """Returns the accuracy on all images."""
        return self.score.accuracy


@dataclass(frozen=True)
class RunRecord:
    """Holds all that a comparison needs of a run, at the time its files were read."""

    config: TrainConfig  # `epochs` includes those that the run was continued for
    fingerprint: str  # of images and labels; empty until the trainer has read the dataset
    curves: pd.DataFrame  # the history, with the columns of AXES; steps NaN if unknown
    predictions: Mapping[str, SplitPredictions]  # by split; "test" only if it has been opened
    test_openings: int
    is_complete: bool  # finished without being stopped by the user


def changed(run: Run) -> tuple[Any, ...]:
    """Returns a key that changes whenever `read_record` would return something else."""
    return (*map(stamp, (run.directory / name for name in _FILES)), str(run.state), str(run.goal))


def read_record(run: Run) -> RunRecord:
    """Reads what a comparison needs.

    Raises:
        FerError: a file is damaged.
    """
    result = run.result
    found = {split: _predictions(run, split) for split in SPLIT_NAMES}
    return RunRecord(
        replace(run.config, epochs=run.goal.epochs),
        run.fingerprint,
        _curves(run),
        {split: predictions for split, predictions in found.items() if predictions is not None},
        len(run.test_openings),
        run.state is TaskState.FINISHED and result is not None and result.reason not in CUT_SHORT,
    )


def differing_settings(records: Mapping[str, RunRecord]) -> pd.DataFrame:
    """Returns a row per run and a column per setting that is not the same for all, as text."""
    rows = {name: setting_texts(record.config) for name, record in records.items()}
    table = pd.DataFrame.from_dict(rows, orient="index", dtype="str")
    fingerprints: dict[str, set[str]] = {}
    for record in records.values():
        fingerprints.setdefault(record.config.dataset, set()).add(record.fingerprint)
    if any(len(several) > 1 for several in fingerprints.values()):
        short = [record.fingerprint[:8] or "not read yet" for record in records.values()]
        table["Images and labels"] = short
    differing = [column for column in table if table[column].nunique() > 1]
    return table[differing]


def common_settings(differing: pd.DataFrame, group: Sequence[str]) -> str:
    """Describes the settings in a `differing_settings` table that a group of its runs shares."""
    rows = differing.loc[list(group)]
    common = rows.iloc[0][rows.nunique() == 1]
    return ", ".join(f"{label} {value}" for label, value in common.items()) or "–"


def seed_groups(records: Mapping[str, RunRecord]) -> list[list[str]]:
    """Returns groups of at least two complete runs that differ only in their seed.

    They were trained on the same images and labels and started from the same weights. Settings
    without an effect on the model (`_IGNORED`) and the dataset's name may differ. Of several runs
    with the same seed, the first counts.
    """
    groups: dict[tuple[TrainConfig, str], dict[int, str]] = {}
    for name, record in records.items():
        if record.is_complete and record.fingerprint and "val" in record.predictions:
            key = _without_ignored(record.config), record.fingerprint
            groups.setdefault(key, {}).setdefault(record.config.seed, name)
    return [list(seeds.values()) for seeds in groups.values() if len(seeds) > 1]


def mean_curve(curves: Sequence[pd.DataFrame], metric: str) -> pd.DataFrame:
    """Averages the curves of several runs over the epochs that all of them have.

    Returns:
        The means of the columns of AXES and of the metric, and the metric's minimum and maximum
        as `low` and `high`.
    """
    epochs = min(len(curve) for curve in curves)
    groups = pd.concat([curve.iloc[:epochs] for curve in curves]).groupby("epochs")
    mean = groups[["steps", "seconds", metric]].mean().reset_index()
    return mean.assign(low=groups[metric].min().to_numpy(), high=groups[metric].max().to_numpy())


def _curves(run: Run) -> pd.DataFrame:
    history = run.history
    epochs = history["epoch"] + 1
    return history.assign(
        epochs=epochs,
        steps=epochs * _steps_per_epoch(run),
        seconds=history["seconds"].cumsum(),
    )


def _steps_per_epoch(run: Run) -> float:
    """Returns the batches per epoch, the last one included; NaN if not known yet."""
    counts = run.counts
    if "train" not in counts:
        return float("nan")
    return float(-(-int(counts["train"].sum()) // run.config.batch_size))


def _predictions(run: Run, split: str) -> SplitPredictions | None:
    if split == "test" and run.test_opened is None:
        return None
    predictions = run.predictions(split)
    if predictions is None:
        return None
    return SplitPredictions(score(predictions), correct_by_image(predictions))


def _without_ignored(config: TrainConfig) -> TrainConfig:
    """Resets the settings in which runs of a seed group may differ."""
    default, names = TrainConfig(), (*_IGNORED, "dataset", "seed")
    return replace(config, **{name: getattr(default, name) for name in names})


def setting_texts(settings: Any) -> dict[str, str]:
    """Returns the values of settings as text by their label, including nested settings.

    Args:
        settings: a `TrainConfig`.
    """
    texts: dict[str, str] = {}
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        if is_dataclass(value):
            texts |= setting_texts(value)
        else:
            texts[_label(entry.name)] = _value_text(entry.name, value)
    return texts


def _label(name: str) -> str:
    return _LABELS.get(name) or SETTINGS[name].label


def _value_text(name: str, value: Any) -> str:
    if name == "recipe":
        return RECIPES[value].title if value in RECIPES else value or "none"
    if name == "image_size":
        return "×".join(map(str, value))
    if isinstance(value, tuple):
        return ", ".join(value) or ("all" if name == "class_names" else "none")
    if value is None:
        return "dataset default"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value) or "none"
