"""What several runs have in common and in what they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import pandas as pd

from fer_core import text
from fer_core.evaluation.metrics import Accuracy, Score, score
from fer_core.evaluation.significance import right_answers
from fer_core.runs import RECIPES, SETTINGS, STOPPED, Run, TrainConfig
from fer_core.storage import stamp
from fer_core.tasks import TaskState

# What a curve can be drawn over: columns of `RunRecord.curves`, and their names on the screen.
AXES = {"epochs": "Epoch", "steps": "Step", "seconds": "Time"}
SPLIT_NAMES = {split: text.SPLIT_NAMES[split] for split in ("val", "test")}

# They decide what is done beside or after training, not what the network learns.
_WITHOUT_EFFECT = ("recipe", "test_at_end", "tensorboard", "deterministic")
_LABELS = {"dataset": "Data set", "recipe": "Recipe"}
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
    """How a run's model answered on a split."""

    score: Score
    right: pd.Series  # see `significance.right_answers`

    @property
    def accuracy(self) -> Accuracy:
        """Of all images."""
        return self.score.accuracy


@dataclass(frozen=True)
class RunRecord:
    """All that a comparison needs to know of a run, as it was when its files were read."""

    config: TrainConfig  # `epochs` as far as it was asked to be trained in the end
    fingerprint: str  # of images and labels; empty until it has begun
    curves: pd.DataFrame  # the history, with the columns of AXES; steps missing if unknown
    answers: Mapping[
        str, SplitPredictions
    ]  # by split; the test split only where it has been opened
    test_looks: int
    is_whole: bool  # it has finished, and nobody stopped it before its end


def changed(run: Run) -> tuple[Any, ...]:
    """What tells whether `read_record` would give something else: times, sizes, state and goal."""
    return (*map(stamp, (run.directory / name for name in _FILES)), str(run.state), str(run.goal))


def read_record(run: Run) -> RunRecord:
    """Reads what a comparison needs.

    Raises:
        ValueError: a file is damaged.
    """
    result, looks = run.result, len(run.test_looks)
    has_ended = run.state is TaskState.FINISHED and result is not None
    return RunRecord(
        replace(run.config, epochs=run.goal.epochs),
        run.fingerprint,
        _curves(run),
        {split: answers for split in SPLIT_NAMES if (answers := _answers(run, split)) is not None},
        looks,
        has_ended and result is not None and result.reason != STOPPED,
    )


def differing_settings(records: Mapping[str, RunRecord]) -> pd.DataFrame:
    """A row per run, a column per setting that is not the same for all, in words."""
    rows = {name: _spoken(record.config) for name, record in records.items()}
    table = pd.DataFrame.from_dict(rows, orient="index", dtype="str")
    states: dict[str, set[str]] = {}
    for record in records.values():
        states.setdefault(record.config.dataset, set()).add(record.fingerprint)
    if any(len(found) > 1 for found in states.values()):
        marks = [record.fingerprint[:8] or "not read yet" for record in records.values()]
        table["Images and labels"] = marks
    differing = [column for column in table if table[column].nunique() > 1]
    return table[differing]


def common_settings(differing: pd.DataFrame, group: Sequence[str]) -> str:
    """Of the settings that `differing_settings` gives, those that a group of its runs shares."""
    rows = differing.loc[list(group)]
    common = rows.iloc[0][rows.nunique() == 1]
    return ", ".join(f"{label} {value}" for label, value in common.items()) or "–"


def seed_groups(records: Mapping[str, RunRecord]) -> list[list[str]]:
    """Runs that differ in their seed alone, at least two in a group; of one seed the first.

    They learned to their end from the same images and labels. Whether the test split was opened,
    files for TensorBoard were written, and sums were taken in a fixed order does not count as a
    difference, nor do the names of recipe and data set. The weights that they began with do.
    """
    groups: dict[tuple[TrainConfig, str], dict[int, str]] = {}
    for name, record in records.items():
        if record.is_whole and record.fingerprint and "val" in record.answers:
            key = _without_effect(record.config), record.fingerprint
            groups.setdefault(key, {}).setdefault(record.config.seed, name)
    return [list(seeds.values()) for seeds in groups.values() if len(seeds) > 1]


def mean_curve(curves: Sequence[pd.DataFrame], metric: str) -> pd.DataFrame:
    """The mean of several runs' curves over the epochs that all of them have.

    Gives the columns of AXES as means, the metric, and its lowest and highest value as `low` and
    `high`.
    """
    epochs = min(len(curve) for curve in curves)
    together = pd.concat([curve.iloc[:epochs] for curve in curves]).groupby("epochs")
    mean = together[["steps", "seconds", metric]].mean().reset_index()
    return mean.assign(
        low=together[metric].min().to_numpy(), high=together[metric].max().to_numpy()
    )


def _curves(run: Run) -> pd.DataFrame:
    history = run.history
    history["epochs"] = history["epoch"] + 1
    history["steps"] = history["epochs"] * _steps_per_epoch(run)
    history["seconds"] = history["seconds"].cumsum()
    return history


def _steps_per_epoch(run: Run) -> float:
    """Batches of the training split, the last one maybe smaller; NaN until that was read."""
    counts = run.counts
    if "train" not in counts:
        return float("nan")
    return float(-(-int(counts["train"].sum()) // run.config.batch_size))


def _answers(run: Run, split: str) -> SplitPredictions | None:
    if split == "test" and run.test_opened is None:
        return None
    predictions = run.predictions(split)
    if predictions is None:
        return None
    return SplitPredictions(score(predictions), right_answers(predictions))


def _without_effect(config: TrainConfig) -> TrainConfig:
    """The settings with their default in place of all in which runs of one group may differ."""
    usual, names = TrainConfig(), (*_WITHOUT_EFFECT, "dataset", "seed")
    return replace(config, **{name: getattr(usual, name) for name in names})


def _spoken(record: Any) -> dict[str, str]:
    """Labels and values as a person reads them, those of nested settings too."""
    words: dict[str, str] = {}
    for entry in fields(record):
        value = getattr(record, entry.name)
        if is_dataclass(value):
            words |= _spoken(value)
        else:
            words[_label(entry.name)] = _spoken_value(entry.name, value)
    return words


def _label(name: str) -> str:
    return _LABELS.get(name) or SETTINGS[name].label


def _spoken_value(name: str, value: Any) -> str:
    if name == "recipe":
        return RECIPES[value].title if value in RECIPES else value or "none"
    if name == "image_size":
        return "×".join(map(str, value))
    if name == "class_names":
        return ", ".join(value) or "all"
    if value is None:
        return "as the data set says"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value) or "none"
