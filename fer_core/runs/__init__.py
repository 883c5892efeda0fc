"""A training run is a directory; all that is known about it lies there."""

from fer_core.runs.listing import (
    Census,
    list_pretrained,
    list_runs,
    open_run,
    take_census,
    unreadable_runs,
)
from fer_core.runs.overviews import Overview, overview
from fer_core.runs.run import Run
from fer_core.runs.saving import (
    save_calibration,
    save_predictions,
    save_result,
    save_survey,
    survey_file,
)
from fer_core.runs.thresholds import threshold_of

__all__ = [
    "Census",
    "Overview",
    "Run",
    "list_pretrained",
    "list_runs",
    "open_run",
    "overview",
    "save_calibration",
    "save_predictions",
    "save_result",
    "save_survey",
    "survey_file",
    "take_census",
    "threshold_of",
    "unreadable_runs",
]
