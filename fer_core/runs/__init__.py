"""A training run is a directory; all that is known about it lies there."""

from fer_core.runs.listing import list_runs, open_run, unreadable_runs
from fer_core.runs.run import Run, save_predictions, save_result

__all__ = [
    "Run",
    "list_runs",
    "open_run",
    "save_predictions",
    "save_result",
    "unreadable_runs",
]
