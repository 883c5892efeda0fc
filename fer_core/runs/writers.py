"""What the trainer, and whoever opens a test split, writes into a run's directory."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from fer_core.runs.records import Result
from fer_core.runs.run import Run
from fer_core.storage import replacing, write_json
from fer_core.vision import ImageStats


def save_predictions(run: Run, split: str, table: pd.DataFrame, *, averaged: bool = False) -> None:
    """Writes what `Run.predictions` reads."""
    path = run.predictions_file(split, averaged=averaged)
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")


def image_stats_file(run: Run) -> Path:
    """Where it is kept what the training faces look like; see `familiarity.training_stats_of`."""
    return run.directory / "appearance.json"


def save_image_stats(run: Run, survey: ImageStats) -> None:
    """Writes what the training faces look like, for those who will not have the data set."""
    write_json(image_stats_file(run), asdict(survey))


def save_result(run: Run, result: Result) -> None:
    """Writes `result.json`; for the trainer, as the last thing it does."""
    write_json(run.directory / "result.json", asdict(result))
