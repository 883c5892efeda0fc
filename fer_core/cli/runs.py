"""Commands that show what there is: runs, queue; and the run that an id means."""

import argparse
import json
from dataclasses import replace
from typing import Any

from fer_core import tasks
from fer_core.cli.console import say, say_table
from fer_core.errors import FerError
from fer_core.evaluation import overview
from fer_core.runs import Run, list_runs, open_run
from fer_core.tasks import TaskState, queue


def add_commands(commands: Any) -> None:
    """Adds them to the parser."""
    runs = commands.add_parser("runs", help="all runs, newest first")
    runs.add_argument("--all", action="store_true", help="those that were put away too")
    runs.add_argument("--json", action="store_true", help="for other programs to read")
    runs.set_defaults(command=_runs)
    waiting = commands.add_parser("queue", help="what trains and what waits, in order")
    waiting.add_argument(
        "--move",
        nargs=2,
        metavar=("RUN", "N"),
        help="by so many places; -1 is one earlier, 1 is one later",
    )
    waiting.add_argument("--cancel", metavar="RUN", help="take a run from the queue")
    waiting.add_argument(
        "--resume-by-itself",
        action=argparse.BooleanOptionalAction,
        help="whether interrupted runs go on without being asked",
    )
    waiting.set_defaults(command=_queue)


def find_run(beginning: str) -> Run:
    """The run of that id, or the only one whose id begins so.

    Raises:
        FerError: there is none, there are several, or it cannot be read.
    """
    found = [run for run in list_runs() if beginning and run.id.startswith(beginning)]
    if len(found) > 1 and beginning not in [run.id for run in found]:
        ids = ", ".join(run.id for run in found)
        raise FerError(f"RUN must be how one id begins. Received: {beginning}, as do {ids}")
    return found[0] if len(found) == 1 else open_run(beginning)


def _runs(options: argparse.Namespace) -> int:
    rows = [_row(run) for run in list_runs() if options.all or not run.notes.archived]
    if options.json:
        say(json.dumps(rows, indent=2))
    elif rows:
        say_table(
            ("run", "state", "recipe", "data set", "epochs", "best val accuracy", "without leaks"),
            [_cells(row) for row in rows],
        )
    else:
        say("Nothing has been trained yet.")
    return 0


def _row(run: Run) -> dict[str, Any]:
    history, result = run.history, run.result
    finished = result is not None and run.state is TaskState.FINISHED
    score = overview(run).val
    return {
        "id": run.id,
        "name": run.notes.name,
        "state": str(run.state),
        "reason": result.reason if result and finished else None,
        "recipe": run.config.recipe or run.config.architecture,
        "dataset": run.config.dataset,
        "epochs": len(history),
        "goal": run.goal.epochs,
        "val_accuracy": float(history["val_accuracy"].max()) if len(history) else None,
        # Of the model as it is, without the images that are in training too.
        "val_clean": score.clean.value if score and score.clean else None,
    }


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    shares = [row[name] for name in ("val_accuracy", "val_clean")]
    return (
        row["id"],
        (row["reason"] or row["state"]).replace("_", " "),
        row["recipe"],
        row["dataset"],
        f"{row['epochs']} of {row['goal']}",
        *("–" if share is None else f"{share:.1%}" for share in shares),
    )


def _queue(options: argparse.Namespace) -> int:
    if options.move:
        _move(find_run(options.move[0]), options.move[1])
    if options.cancel:
        _cancel(find_run(options.cancel))
    if options.resume_by_itself is not None:
        chosen = tasks.read_preferences()
        chosen = replace(chosen, resume_by_itself=options.resume_by_itself)
        tasks.save_preferences(chosen)
    _say_queue()
    return 0


def _move(run: Run, steps: str) -> None:
    try:
        places = int(steps)
    except ValueError:
        raise FerError(f"N must be a whole number of places. Received: {steps}") from None
    if run.state is not TaskState.QUEUED:
        raise FerError(f"A run must wait to be moved. {run.id} is {run.state}.")
    queue.move(run, places)


def _cancel(run: Run) -> None:
    if not run.cancel():
        raise FerError(f"A run must wait to be taken from the queue. {run.id} is {run.state}.")
    say(f"{run.id} was taken from the queue.")


def _say_queue() -> None:
    works, waits = queue.snapshot("train")
    rows = [(str(task.state), task.id) for task in works]
    rows += [(str(number), task.id) for number, task in enumerate(waits, start=1)]
    if rows:
        say_table(("place", "run"), rows)
    else:
        say("Nothing trains and nothing waits.")
    if tasks.read_preferences().resume_by_itself:
        say("Interrupted runs go on by themselves.")
