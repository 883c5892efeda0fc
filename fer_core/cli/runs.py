"""Commands that list runs and change the queue: runs, queue."""

import argparse
import json
from dataclasses import replace
from typing import Any

from fer_core import tasks
from fer_core.cli.console import echo, echo_lines, echo_table, find
from fer_core.errors import FerError
from fer_core.evaluation import overview
from fer_core.runs import Run, list_runs, open_run
from fer_core.tasks import TaskState, kinds, queue


def add_commands(commands: Any) -> None:
    """Adds the commands to the parser."""
    runs = commands.add_parser("runs", help="list all runs, newest first")
    runs.add_argument("--all", action="store_true", help="include archived runs")
    runs.add_argument("--json", action="store_true", help="print JSON")
    runs.set_defaults(command=_runs)
    queued = commands.add_parser("queue", help="show or change the queue of trainings")
    queued.add_argument(
        "--move",
        nargs=2,
        metavar=("RUN", "N"),
        help="move a run by N places: -1 is one earlier, 1 is one later",
    )
    queued.add_argument("--cancel", metavar="RUN", help="remove a run from the queue")
    resuming = argparse.BooleanOptionalAction
    queued.add_argument(
        "--auto-resume", action=resuming, help="resume interrupted runs automatically"
    )
    queued.add_argument(
        "--resume-by-itself", dest="auto_resume", action=resuming, help=argparse.SUPPRESS
    )
    queued.set_defaults(command=_queue)


def find_run(prefix: str) -> Run:
    """Returns the run with this ID, or the only one whose ID begins with it.

    Raises:
        FerError: there is no such run, there are several, or it cannot be read.
    """
    return find(prefix, list_runs(), "RUN", open_run)


def _runs(options: argparse.Namespace) -> int:
    rows = [_row(run) for run in list_runs() if options.all or not run.notes.archived]
    if options.json:
        echo_lines(json.dumps(rows, indent=2))
    elif rows:
        echo_table(
            (
                *("run", "state", "recipe", "dataset", "epochs"),
                *("best val accuracy", "without leaks", "of seen subjects", "name"),
            ),
            [_cells(row) for row in rows],
        )
    else:
        echo("There are no runs yet.")
    return 0


def _row(run: Run) -> dict[str, Any]:
    result = run.result
    finished = result is not None and run.state is TaskState.FINISHED
    score = overview(run).val
    return {
        "id": run.id,
        "name": run.notes.name,
        "state": str(run.state),
        "reason": result.reason if result and finished else None,
        "recipe": run.config.recipe or run.config.architecture,
        "dataset": run.config.dataset,
        "epochs": len(run.history),
        "goal": run.goal.epochs if run.config.is_trained else None,
        "val_accuracy": _best_accuracy(run),
        # Of the saved model, without the images that are also in train.
        "val_clean": score.clean.value if score and score.clean else None,
        # Images of subjects, or sequences, that are also in train.
        "val_seen": score.seen if score else None,
    }


def _best_accuracy(run: Run) -> float | None:
    history, result = run.history, run.result
    if len(history):
        return float(history["val_accuracy"].max())
    return None if run.config.is_trained or result is None else result.val_accuracy


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    shares = [row[name] for name in ("val_accuracy", "val_clean")]
    return (
        row["id"],
        (row["reason"] or row["state"]).replace("_", " "),
        row["recipe"],
        row["dataset"] or "–",
        f"{row['epochs']} of {row['goal']}" if row["goal"] else "–",
        *("–" if share is None else f"{share:.1%}" for share in shares),
        f"{row['val_seen']:,}" if row["val_seen"] else "–",
        row["name"],
    )


def _queue(options: argparse.Namespace) -> int:
    if options.move:
        _move(find_run(options.move[0]), options.move[1])
    if options.cancel:
        _cancel(find_run(options.cancel))
    if options.auto_resume is not None:
        preferences = tasks.read_preferences()
        tasks.save_preferences(replace(preferences, auto_resume=options.auto_resume))
    _echo_queue()
    return 0


def _move(run: Run, steps: str) -> None:
    try:
        places = int(steps)
    except ValueError:
        raise FerError(f"N must be a whole number of places. Received: {steps}") from None
    if run.state is not TaskState.QUEUED:
        raise FerError(f"Only a queued run can be moved. {run.id} is {run.state}.")
    queue.move(run, places)


def _cancel(run: Run) -> None:
    if not run.cancel():
        raise FerError(f"Only a queued run can be cancelled. {run.id} is {run.state}.")
    echo(f"{run.id} was removed from the queue.")


def _echo_queue() -> None:
    running, queued = queue.snapshot(kinds.TRAIN)
    rows = [(str(task.state), task.id) for task in running]
    rows += [(str(place), task.id) for place, task in enumerate(queued, start=1)]
    if rows:
        echo_table(("place", "run"), rows)
    else:
        echo("No run is training or queued.")
    if tasks.read_preferences().auto_resume:
        echo("Interrupted runs are resumed automatically.")
