"""Trains a throw-away model with a rising learning rate; see `experiments.rate_finder`."""

import math
import shutil
from collections.abc import Iterator
from itertools import count

import numpy as np

from fer_core.errors import FerError
from fer_core.experiments import HIGHEST, LOWEST, STEPS, RateTest, run_folder, save_rate_test
from fer_core.runs import Run, open_data_of
from fer_core.tasks import ProgressReporter, Task
from fer_core.training.batches import Batch
from fer_core.training.distillation import with_teacher_targets
from fer_core.training.setup import configure_backend
from fer_core.training.trainer import Trainer, build

_DIVERGED = 4  # times the smallest loss


def run_rate_test(task: Task) -> None:
    """Runs a test of the learning rate; called by the worker."""
    run = Run(run_folder(task.directory))
    report = ProgressReporter(task, "Reading the images")
    data = open_data_of(run, report)
    configure_backend(run.config)
    model = build(run, data)
    trainer = Trainer(run, with_teacher_targets(run, data, report), model, report)
    found = try_rates(trainer, ProgressReporter(task, "Trying learning rates"))
    shutil.rmtree(run.directory, ignore_errors=True)
    save_rate_test(task, found)


def try_rates(trainer: Trainer, report: ProgressReporter) -> RateTest:
    """Takes steps with rates from LOWEST to HIGHEST, each larger by the same factor.

    Ends before the last one when the loss has become much larger than it was.

    Raises:
        FerError: the loss is infinite or NaN from the first step on.
    """
    losses: list[float] = []
    rates = np.geomspace(LOWEST, HIGHEST, STEPS).tolist()
    optimizer = trainer.stage.model.optimizer
    for step, (rate, batch) in enumerate(zip(rates, _batches(trainer), strict=False)):
        optimizer.learning_rate = rate
        loss = float(trainer.train_batch(batch)["loss"])
        if not math.isfinite(loss) or (losses and loss > _DIVERGED * max(min(losses), 1e-3)):
            break
        losses.append(loss)
        report(step + 1, STEPS)
    if not losses:
        raise FerError("The loss is infinite or NaN with any learning rate. Check the settings.")
    return RateTest(tuple(rates[: len(losses)]), tuple(losses))


def _batches(trainer: Trainer) -> Iterator[Batch]:
    for epoch in count():
        yield from trainer.stage.batches(epoch)
