"""Tells about a training while it goes on: `steps.csv` and `progress.json`, once a second."""

import time
from collections.abc import Callable, Mapping

from fer_core.files import append_row
from fer_core.runs import STEPS_COLUMNS, Run
from fer_core.tasks import Progress, Task

SECONDS = 1.0  # between two rows, and between two looks at the progress


class StepReporter:
    """Turns the running means that Keras gives into one row a second of what was new in it."""

    def __init__(self, run: Run, images: int, epochs: int, epoch: int) -> None:
        """`images` of an epoch, all `epochs`, and the one (from 0) at which this process begins."""
        self.run, self.images, self.epochs = run, images, epochs
        self.started = self.last = time.monotonic()
        self.first_epoch = self.epoch = epoch
        self.batch = self.seen = 0  # in this epoch
        self.reported = 0  # images of this epoch that were in an earlier row
        self.sums = {"loss": 0.0, "accuracy": 0.0}  # over those
        self.recent = 0  # images since the last row, also across epochs

    def begin_epoch(self, epoch: int) -> None:
        """From here on the running means are those of this epoch."""
        self.epoch, self.batch, self.seen, self.reported = epoch, 0, 0, 0
        self.sums = {"loss": 0.0, "accuracy": 0.0}

    def after_batch(
        self, step: int, images: int, means: Mapping[str, float], learning_rate: Callable[[], float]
    ) -> None:
        """Notes a batch; `step` counts all since the run began, `means` are the epoch's so far."""
        self.batch += 1
        self.seen += images
        self.recent += images
        now = time.monotonic()
        if now - self.last < SECONDS:
            return
        row = {
            "step": step,
            "epoch": round(self.epoch + self.seen / self.images, 5),
            **self._since_last_row(means),
            "images_per_second": round(self.recent / (now - self.last), 1),
            "learning_rate": learning_rate(),
        }
        append_row(self.run.directory / "steps.csv", row, STEPS_COLUMNS)
        self.run.save_progress(self._progress(row["images_per_second"], now))
        self.last, self.recent = now, 0

    def _since_last_row(self, means: Mapping[str, float]) -> dict[str, float]:
        sums = {name: means[name] * self.seen for name in self.sums}
        new = self.seen - self.reported
        values = {name: (sums[name] - self.sums[name]) / new for name in sums}
        self.sums, self.reported = sums, self.seen
        return values

    def _progress(self, rate: float, now: float) -> Progress:
        done = self.epoch * self.images + self.seen
        here = done - self.first_epoch * self.images
        total = self.epochs * self.images
        return Progress(
            done,
            total,
            message=f"epoch {self.epoch + 1} of {self.epochs}",
            rate=rate,
            # by all the time that passed, validation and checkpoints included
            seconds_left=(total - done) * (now - self.started) / here,
        )


def task_progress(task: Task, message: str) -> Callable[[int, int], None]:
    """A function (done, total) that tells a task's progress, at most once a second."""
    last = -SECONDS

    def tell(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS:
            last = time.monotonic()
            task.save_progress(Progress(done, total, message=message))

    return tell
