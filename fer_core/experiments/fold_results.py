"""Pools the predictions of an experiment's folds, and compares two recipes on the same folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd

from fer_core.datasets import GROUP_NOUNS, UNITS
from fer_core.errors import FerError
from fer_core.evaluation import (
    Accuracy,
    ClusterScores,
    FoldTest,
    Interval,
    accuracy,
    cluster_difference,
    cluster_scores,
    confusion,
    corrected_t_test,
    macro_scores,
    mcnemar,
    predicted,
)
from fer_core.experiments.experiment import Experiment, Trial
from fer_core.experiments.plan import FOLDS
from fer_core.runs import KEY, STOPPED, UNIT, Run
from fer_core.storage import stamp
from fer_core.tasks import TaskState
from fer_core.text import counted

FOLD = "fold"  # a column of pooled predictions, from 1
_FEW = 10  # clusters, below which the interval of a bootstrap is rough


@dataclass(frozen=True)
class FoldResult:
    """Holds the scores of one fold's run on the fold, at its best epoch."""

    number: int  # from 1
    run: Run | None  # None before it is queued, and after it was deleted
    predictions: pd.DataFrame | None  # on the fold; None until the run has finished
    trained_on: int = 0  # images

    @property
    def accuracy(self) -> Accuracy | None:
        """Returns the accuracy with its interval over images."""
        return None if self.predictions is None else accuracy(self.predictions)

    @property
    def units(self) -> list[str]:
        """Returns the subjects, sequences or images of the fold, in order."""
        return [] if self.predictions is None else sorted(self.predictions[UNIT].unique())

    def macro(self, class_names: Sequence[str]) -> tuple[float, float] | None:
        """Returns recall and F1, averaged over the classes that the fold has."""
        if self.predictions is None:
            return None
        matrix = confusion(self.predictions, class_names)
        _, recall, f1 = macro_scores(matrix[None], matrix.sum(axis=1) > 0)[0].tolist()
        return recall, f1


@dataclass(frozen=True)
class FoldResults:
    """Holds what the folds of an experiment have shown so far."""

    experiment: Experiment
    unit: str  # one of `datasets.UNITS`
    class_names: tuple[str, ...]
    folds: tuple[FoldResult, ...]

    @property
    def done(self) -> list[FoldResult]:
        """Returns the folds whose runs have finished."""
        return [fold for fold in self.folds if fold.predictions is not None]

    @cached_property
    def pooled(self) -> pd.DataFrame:
        """Returns the predictions of all folds together, each by a model that did not see it."""
        tables = [
            fold.predictions.assign(**{FOLD: fold.number})
            for fold in self.folds
            if fold.predictions is not None
        ]
        if not tables:
            raise FerError(f"No fold of {self.experiment.id} has finished yet.")
        return pd.concat(tables, ignore_index=True)

    @cached_property
    def scores(self) -> ClusterScores:
        """Returns the scores of the pooled predictions, with intervals over subjects.

        Over sequences or images if the folds are of these, as `describe` tells.

        Raises:
            FerError: no fold has finished.
        """
        pooled = self.pooled
        return cluster_scores(pooled, pooled[UNIT], self.class_names)

    def describe(self) -> list[str]:
        """Describes in sentences what the scores are of, and how far they can be trusted.

        Raises:
            FerError: no fold has finished.
        """
        scores, (one, several) = self.scores, UNITS[self.unit]
        said = [
            f"Pooled predictions on {counted(scores.images, 'image')} of "
            f"{counted(scores.clusters, one, several)}, each by a model that was trained without "
            f"it. 95 % intervals over {several} (cluster bootstrap)."
        ]
        if self.unit not in GROUP_NOUNS:
            said.append(
                "The folds are not of subjects, so the intervals are over images. If several are "
                "of one person, they are too narrow and the scores too high."
            )
        if len(self.done) < len(self.folds):
            said.append(f"Only {len(self.done)} of {len(self.folds)} folds have finished.")
        if scores.clusters < _FEW:
            said.append(f"With fewer than {_FEW} {several}, the intervals are rough.")
        repeated = int(self.pooled.duplicated(KEY).sum())
        if repeated:
            said.append(
                f"{counted(repeated, 'prediction is', 'predictions are')} on images of another "
                "fold: the dataset was changed between the runs, so that its folds are others."
            )
        said.append(
            "Each model is that of the epoch that was best on its own fold, so all scores are "
            "slightly optimistic."
        )
        return said


@dataclass(frozen=True)
class FoldComparison:
    """Holds tests of two recipes on the images of the same folds: first minus second."""

    images: int
    only_first: int  # images that only the first recipe got right
    only_second: int
    mcnemar: float  # p-value of the exact test; takes images for independent
    difference: Interval  # of the accuracies, over subjects
    t_test: FoldTest | None  # None if fewer than two folds are shared


def fold_results(experiment: Experiment) -> FoldResults:
    """Reads the predictions of an experiment's folds.

    Raises:
        FerError: it is an experiment of another kind, predictions are damaged, or the folds'
            classes differ.
    """
    plan = experiment.plan
    if plan.kind != FOLDS:
        raise FerError(
            f"Only a cross-validation has folds. {experiment.id} is an experiment of kind "
            f"{plan.kind}."
        )
    trials = experiment.trials
    return _read(experiment, tuple(_state(trial.run) for trial in trials))


def _state(run: Run | None) -> tuple[object, ...]:
    """Returns what changes whenever a fold's result does."""
    if run is None:
        return ()
    files = (run.predictions_file("val"), run.directory / "result.json")
    return (run.state, *map(stamp, files))


@lru_cache(maxsize=4)  # a page reads the same results whenever something is pressed
def _read(experiment: Experiment, states: tuple[tuple[object, ...], ...]) -> FoldResults:
    plan = experiment.plan
    folds = tuple(map(_fold_result, experiment.trials))
    done = [fold.run for fold in folds if fold.run is not None and fold.predictions is not None]
    names = dict.fromkeys(run.class_names for run in done)
    if len(names) > 1:
        raise FerError(
            f"The folds of {experiment.id} cannot be pooled: the dataset was changed between their "
            "runs, so that these have different classes. Cross-validate again."
        )
    return FoldResults(experiment, plan.base.fold_unit, next(iter(names), ()), folds)


def _fold_result(trial: Trial) -> FoldResult:
    run, number = trial.run, int(trial.settings[FOLD])
    if run is None or run.state is not TaskState.FINISHED:
        return FoldResult(number, run, None)
    result, predictions = run.result, run.predictions("val")
    if result is None or result.reason == STOPPED or predictions is None or UNIT not in predictions:
        return FoldResult(number, run, None)
    return FoldResult(number, run, predictions, int(run.counts["train"].sum()))


def compare_folds(first: FoldResults, second: FoldResults) -> FoldComparison:
    """Compares two recipes on the folds that both have finished.

    Raises:
        FerError: the datasets or the folds differ, or none is finished in both.
    """
    datasets = [each.experiment.plan.base.dataset for each in (first, second)]
    if datasets[0] != datasets[1]:  # whose images may have the same paths
        raise FerError(
            "Recipes can be compared on the same dataset only. "
            f"{first.experiment.id} is of {datasets[0]}, {second.experiment.id} of {datasets[1]}."
        )
    pair = _shared(first.pooled, second.pooled)
    if pair.empty:
        raise FerError(
            f"{first.experiment.id} and {second.experiment.id} have no image in the same fold. "
            "Compare recipes on the same dataset, number of folds, unit and seed."
        )
    differing = (pair[f"{FOLD}_1"] != pair[f"{FOLD}_2"]).sum()
    if differing:
        raise FerError(
            f"Recipes can be compared on the same folds only. {differing:,} of {len(pair):,} "
            f"images are in different folds of {first.experiment.id} and {second.experiment.id}."
        )
    right = [(pair[f"says_{n}"] == pair["expression"]).to_numpy(bool) for n in (1, 2)]
    only = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    return FoldComparison(
        len(pair),
        *only,
        float(mcnemar(*only)),
        cluster_difference(right[0], right[1], pair[f"{UNIT}_1"]),
        _t_test(pair[f"{FOLD}_1"], right, first),
    )


def _shared(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Joins the predictions of the images that both have with the same label."""
    keys = [*KEY, "expression"]
    tables = [
        table[[*keys, FOLD, UNIT]].assign(row=table["row"].fillna(""), says=predicted(table))
        for table in (first, second)
    ]
    return tables[0].merge(tables[1], on=keys, suffixes=("_1", "_2"))


def _t_test(folds: pd.Series, right: list[np.ndarray], results: FoldResults) -> FoldTest | None:
    differences = pd.Series(right[0].astype(int) - right[1].astype(int)).groupby(folds.to_numpy())
    sizes = differences.size()
    trained = [fold.trained_on for fold in results.done if fold.number in sizes.index]
    if len(sizes) < 2 or not sum(trained):
        return None
    return corrected_t_test(differences.mean().tolist(), float(sizes.mean() / np.mean(trained)))


def results_record(results: FoldResults) -> dict[str, Any]:
    """Returns the results as a JSON object.

    Raises:
        FerError: no fold has finished.
    """
    scores, matrix = results.scores, confusion(results.pooled, results.class_names)
    return {
        "experiment": results.experiment.id,
        "dataset": results.experiment.plan.base.dataset,
        "unit": results.unit,
        "classes": list(results.class_names),
        "folds": [_fold_record(fold, results.class_names) for fold in results.folds],
        "images": scores.images,
        "units": scores.clusters,
        "accuracy": interval_record(scores.accuracy),
        "macro_recall": interval_record(scores.recall),
        "macro_f1": interval_record(scores.f1),
        "mean_over_units": interval_record(scores.mean),
        "confusion": matrix.tolist(),
        "notes": results.describe(),
    }


def comparison_record(found: FoldComparison) -> dict[str, Any]:
    """Returns a comparison as a JSON object."""
    test = found.t_test
    return {
        "images": found.images,
        "only_first": found.only_first,
        "only_second": found.only_second,
        "difference": interval_record(found.difference),
        "mcnemar_p": found.mcnemar,
        "corrected_t": None
        if test is None or not np.isfinite(test.t)
        else {"folds": test.folds, "t": test.t, "p": test.p_value},
    }


def _fold_record(fold: FoldResult, class_names: Sequence[str]) -> dict[str, Any]:
    found, macro = fold.accuracy, fold.macro(class_names)
    return {
        "fold": fold.number,
        "run": None if fold.run is None else fold.run.id,
        "state": "not started" if fold.run is None else str(fold.run.state),
        "units": len(fold.units),
        "images": None if found is None else found.total,
        "accuracy": None if found is None else found.value,
        "macro_recall": None if macro is None else macro[0],
        "macro_f1": None if macro is None else macro[1],
    }


def interval_record(interval: Interval) -> dict[str, float | None]:
    """Returns an interval as a JSON object; null bounds if there is none."""
    low, high = (None if np.isnan(x) else x for x in (interval.low, interval.high))
    return {"value": interval.value, "low": low, "high": high}
