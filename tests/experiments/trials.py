"""Trains trials in no time: writes what a trainer would have written."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fer_core.runs import COMPLETED, HISTORY_COLUMNS, PRUNED, STOPPED, Result, Run, save_result
from fer_core.storage import save_table
from fer_core.storage.files import write_json
from fer_core.tasks import TaskState, exit_status, process_record
from fer_core.tasks.supervisor import take


def begin(run: Run, accuracies: Sequence[float]) -> None:
    """Lets this process train a queued run for some epochs, with these validation accuracies."""
    if run.state is TaskState.QUEUED:
        take(run)
    table = pd.DataFrame(np.ones((len(accuracies), len(HISTORY_COLUMNS))), columns=HISTORY_COLUMNS)
    table["epoch"] = range(len(accuracies))
    save_table(
        run.directory / "history.csv", table.assign(val_accuracy=accuracies), HISTORY_COLUMNS
    )
    assert run.attempt is not None
    write_json(run.attempt / "process.json", process_record())


def end(run: Run, accuracies: Sequence[float]) -> None:
    """Trains a run to its end, or to where it has been asked to stop."""
    begin(run, accuracies)
    assert run.attempt is not None
    ended = STOPPED if run.stop_requested else COMPLETED
    reason = PRUNED if run.stop_reason else ended
    best = int(np.argmax(accuracies))
    attempt = int(run.attempt.name)
    found = Result(reason, len(accuracies), best, 1.0, max(accuracies), attempt, run.stop_reason)
    save_result(run, found)
    (run.attempt / "exit.json").write_text(exit_status.exit_record(0))
