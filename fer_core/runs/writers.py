"""Writes a trainer's results into a run's directory."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from fer_core.runs.ensemble import EnsembleRecord
from fer_core.runs.records import Result, read_predictions
from fer_core.runs.run import Run
from fer_core.storage import write_json, write_table
from fer_core.vision import ImageStats


def save_predictions(run: Run, split: str, table: pd.DataFrame, *, tta: bool = False) -> None:
    """Writes the predictions that `Run.predictions` reads."""
    path = run.predictions_file(split, tta=tta)
    path.parent.mkdir(exist_ok=True)
    write_table(path, table, read_predictions, float_format="%.6g")


def image_stats_file(run: Run) -> Path:
    """Returns the path of the training images' statistics; see `drift.training_stats_of`."""
    return run.directory / "appearance.json"


def save_image_stats(run: Run, stats: ImageStats) -> None:
    """Writes the training images' statistics, so that drift is known without the dataset."""
    write_json(image_stats_file(run), asdict(stats))


def save_result(run: Run, result: Result) -> None:
    """Writes `result.json`, which must be the last file a trainer writes."""
    write_json(run.directory / "result.json", asdict(result))


def save_ensemble(run: Run, ensemble: EnsembleRecord) -> None:
    """Writes what `Run.ensemble` reads."""
    write_json(run.directory / "ensemble.json", asdict(ensemble))
