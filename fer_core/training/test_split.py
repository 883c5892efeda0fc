"""Opens a run's sealed test split: evaluates the model on it and records when."""

from collections.abc import Callable
from datetime import datetime

from fer_core.errors import FerError
from fer_core.models import load_model, predict, predict_tta
from fer_core.runs import Run, RunData, check_finished, open_data_of, open_run, save_predictions
from fer_core.storage import write_json
from fer_core.tasks import ProgressReporter, Task, check_tree


def run_open_test(task: Task) -> None:
    """Opens the test split of the run named in the task's request; called by the worker."""
    if task.request is None:
        raise FerError(
            f"The request of {task.id} is missing or damaged. Open the test split again."
        )
    run = open_run(task.request.arguments["run"])
    check_tree(run.directory)
    open_test(run, ProgressReporter(task, "Reading the images"))
    write_json(task.directory / "result.json", {"run": task.request.arguments["run"]})


def open_test(run: Run, progress: Callable[[int, int], None] | None = None) -> None:
    """Evaluates a finished run's model on the test split and records when.

    Does nothing if the test split is open already.

    Raises:
        FerError: the run has not finished or has no test split, or its images have changed.
    """
    if run.test_opened is not None:
        return
    check_finished(run)
    data = open_data_of(run, progress)
    check_unchanged(run, data)
    evaluate_test(run, data)


def check_unchanged(run: Run, data: RunData) -> None:
    """Checks that images and labels are the same as when the run started.

    Raises:
        FerError: they have changed.
    """
    if run.fingerprint and data.fingerprint != run.fingerprint:
        raise FerError(
            f"The images or labels of {run.config.dataset} have changed since {run.id} started. "
            "Start a new run."
        )


def evaluate_test(run: Run, data: RunData) -> None:
    """Predicts the test split, and records the predictions and the time.

    Raises:
        FerError: the run has no model or no test split.
    """
    if run.model_file is None or not run.has_test:
        missing = "test split" if run.model_file else "model"
        raise FerError(f"{run.id} has no {missing}, so there is no test split to open.")
    model = load_model(run.model_file, run.config, len(run.class_names))
    rows = data.rows("test")
    probabilities = predict(model, rows)
    tta_probabilities = predict_tta(model, rows) if run.config.average_views else None
    openings = [*run.test_openings, datetime.now()]
    record = {"opened": [time.isoformat(timespec="seconds") for time in openings]}
    write_json(run.predictions_file("test").with_suffix(".json"), record)
    # Written before the predictions, so that no evaluation goes unrecorded.
    if tta_probabilities is not None:
        predictions = data.predictions("test", tta_probabilities)
        save_predictions(run, "test", predictions, tta=True)
    save_predictions(run, "test", data.predictions("test", probabilities))
