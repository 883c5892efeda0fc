"""Finds a learning rate: a short training with a rising rate, on a model that is thrown away.

Source: L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2017.
"""

import contextlib
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from fer_core import tasks
from fer_core.datasets import open_dataset
from fer_core.errors import FerError
from fer_core.runs import TrainConfig, create_throwaway
from fer_core.storage import NonNegative, Number, paths, read_record, write_json
from fer_core.tasks import Task, TaskState, kinds, queue

LOWEST, HIGHEST = 1e-6, 1.0  # rates that are tried
STEPS = 100
_SMOOTHING = 0.9  # of the mean of the losses, kept from one step to the next
_BELOW = 10  # times smaller than the rate with the smallest loss
_LEAST_GAIN = 0.02  # by which the loss must fall, relative to that at the start


@dataclass(frozen=True)
class RateTest:
    """Holds the loss of each step and the rate with which it was taken.

    Raises:
        FerError: there are not as many losses as rates, or none.
    """

    rates: tuple[NonNegative, ...]
    losses: tuple[Number, ...]

    def __post_init__(self) -> None:
        if not self.rates or len(self.rates) != len(self.losses):
            raise FerError("There must be a loss for each rate.")

    @property
    def smoothed(self) -> np.ndarray:
        """Returns the exponential mean of the losses, corrected for its start."""
        means, mean = [], 0.0
        for step, loss in enumerate(self.losses, start=1):
            mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
            means.append(mean / (1 - _SMOOTHING**step))
        return np.array(means)

    @property
    def suggestion(self) -> float | None:
        """Returns a tenth of the rate with the smallest smoothed loss; None if it never fell."""
        smoothed, first = self.smoothed, len(self.losses) // 10
        best = first + int(smoothed[first:].argmin())  # the mean of a few losses is left to chance
        before = float(np.mean(self.losses[: first + 1]))
        if smoothed[best] > before - _LEAST_GAIN * abs(before):
            return None
        return float(f"{self.rates[best] / _BELOW:.2g}")


def submit_rate_test(config: TrainConfig) -> Task:
    """Queues a test of the learning rate with these settings; their own rate does not matter.

    Raises:
        FerError: there is no such dataset, or as in `runs.check_run`.
    """
    open_dataset(config.dataset)
    constant = replace(
        config, schedule="constant", warmup=0.0, learning_rate_decay=0.0, tensorboard=False
    )
    directory = tasks.new_directory(paths.tasks_root(), "find-rate")
    try:
        create_throwaway(constant, run_folder(directory))
        arguments = {"dataset": config.dataset, "recipe": config.recipe}
        return queue.submit(directory, kinds.FIND_RATE, arguments)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def run_folder(directory: Path) -> Path:
    """Returns where a test keeps the settings that it trains with."""
    return directory / "run"


def newest_rate_test(dataset: str, recipe: str) -> Task | None:
    """Returns the newest test on a dataset with a recipe, active or ended, or None."""
    wanted = {"dataset": dataset, "recipe": recipe}
    tests = tasks.list_tasks(kinds.FIND_RATE)
    return next((one for one in tests if one.request and one.request.arguments == wanted), None)


def save_rate_test(task: Task, found: RateTest) -> None:
    """Writes the result of a test, its last file."""
    write_json(task.directory / "result.json", asdict(found))


def read_rate_test(task: Task) -> RateTest | None:
    """Returns the result of a test that has finished, else None."""
    if task.state is not TaskState.FINISHED:
        return None
    with contextlib.suppress(FerError):  # damaged; it is quickly made again
        return read_record(task.directory / "result.json", RateTest)
    return None
