"""Opens the sealed test split of a run: evaluates it once, and records when."""

from collections.abc import Callable
from datetime import datetime

from fer_core.errors import FerError
from fer_core.models import load_model, predict, predict_tta
from fer_core.runs import Run, RunData, check_finished, open_data_of, open_run, save_predictions
from fer_core.storage import write_json
from fer_core.tasks import Task, task_progress


def run_open_test(task: Task) -> None:
    """Opens the sealed test split of the run that the task names; the worker's entry."""
    if task.request is None:
        raise FerError(f"{task.id} must name a run. It names none.")
    open_test(open_run(task.request.arguments["run"]), task_progress(task, "Reading the images"))
    write_json(task.directory / "result.json", {"run": task.request.arguments["run"]})


def open_test(run: Run, progress: Callable[[int, int], None] | None = None) -> None:
    """Evaluates a finished run's model on the test split, once, and records when.

    A test split that is open already stays as it is.

    Raises:
        FerError: the run has not finished, has no test split, or its images have changed.
    """
    if run.test_opened is not None:
        return
    check_finished(run)
    data = open_data_of(run, progress)
    check_unchanged(run, data)
    evaluate_test(run, data)


def check_unchanged(run: Run, data: RunData) -> None:
    """Raises a ValueError where images or labels are not those that the run began with."""
    if run.fingerprint and data.fingerprint != run.fingerprint:
        raise FerError(
            f"The data set {run.config.dataset} must be as it was when {run.id} began. "
            "Its images or labels have changed since."
        )


def evaluate_test(run: Run, data: RunData) -> None:
    """Writes the predictions for the test split and when that was; for the trainer's end too.

    Raises:
        FerError: there is no model or no test split.
    """
    if run.model_file is None or not run.has_test:
        missing = "test split" if run.model_file else "model"
        raise FerError(f"{run.id} must have a {missing} for the test to be opened. It has none.")
    model, rows = load_model(run.model_file), data.rows("test")
    probabilities = predict(model, rows)
    averaged = predict_tta(model, rows) if run.config.average_views else None
    looks = [*run.test_openings, datetime.now()]
    record = {"opened": [look.isoformat(timespec="seconds") for look in looks]}
    write_json(run.predictions_file("test").with_suffix(".json"), record)
    # The record of the look comes first: nobody shall have seen what is not recorded.
    if averaged is not None:
        save_predictions(run, "test", data.predictions("test", averaged), tta=True)
    save_predictions(run, "test", data.predictions("test", probabilities))
