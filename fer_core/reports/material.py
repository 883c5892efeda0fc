"""Reads all that a report on a run needs, and keeps what could not be read."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from fer_core import access
from fer_core.datasets import SPLITS, Corrections, Dataset
from fer_core.datasets.quality import Finding, find_problems, images_key, read_scan_result
from fer_core.errors import FerError
from fer_core.evaluation import EvaluationReport
from fer_core.runs import Run, corrections_of, dataset_of


@dataclass(frozen=True, eq=False)
class Material:
    """Holds a run with its predictions, and its dataset if it is still here."""

    run: Run
    evaluations: Mapping[tuple[str, bool], EvaluationReport]  # by split and whether with TTA
    dataset: Dataset | None  # as the run uses it
    index: pd.DataFrame | None  # of the images of the run's classes
    corrections: Corrections | None
    findings: list[Finding] | None  # of the quality scan; None if there is no current one
    problems: tuple[str, ...]  # sentences on what could not be read

    @property
    def split(self) -> str:
        """Returns the split to report in detail: test if it was opened, else validation."""
        return "test" if ("test", False) in self.evaluations else "val"

    @property
    def main(self) -> EvaluationReport | None:
        """Returns the evaluation on that split, of single views; None if there is none."""
        return self.evaluations.get((self.split, False))


def read_material(run: Run) -> Material:
    """Reads the run's files and its dataset; what is damaged or missing is a problem of it.

    Raises:
        FerError: the run itself cannot be read, as `Run.problem` tells.
    """
    if run.problem:
        raise FerError(run.problem)
    problems = list(run.damage)
    corrections, dataset = None, None
    try:
        corrections = corrections_of(run)
        dataset = dataset_of(run) if run.config.dataset else None
        index = None if dataset is None else _used_rows(run, dataset)
    except (FerError, OSError) as error:
        dataset, index = None, None
        problems.append(f"The dataset could not be read for this report: {error}")
    return Material(
        run,
        _evaluations(run),
        dataset,
        index,
        corrections,
        None if dataset is None else _findings(dataset),
        tuple(map(public, problems)),
    )


def public(text: str) -> str:
    """Returns a text without paths of the machine that the reader may not read."""
    return access.current().without_paths(text)


def _used_rows(run: Run, dataset: Dataset) -> pd.DataFrame:
    index = dataset.index[dataset.index["split"].isin(SPLITS)]  # without those that are excluded
    return index[index["expression"].isin(run.class_names)] if run.class_names else index


def _evaluations(run: Run) -> dict[tuple[str, bool], EvaluationReport]:
    found = {}
    for split in ("val", "test"):
        if split == "test" and run.test_opened is None:
            continue
        for tta in (False, True):
            try:
                predictions = run.predictions(split, tta=tta)
            except FerError:  # among the problems, from `Run.damage`
                continue
            if predictions is not None and len(predictions):
                calibration = run.calibration(tta=tta)
                found[split, tta] = EvaluationReport(predictions, run.class_names, calibration)
    return found


def _findings(dataset: Dataset) -> list[Finding] | None:
    """Returns what the quality scan found; None without one of these images."""
    try:
        result = read_scan_result(dataset)
    except FerError:  # the page of the dataset tells
        return None
    index = dataset.index
    if result is None or result.key != images_key(index) or len(result.table) != len(index):
        return None
    return find_problems(result, index)
