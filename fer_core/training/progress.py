"""Tells about a training while it goes on: `steps.csv` and `progress.json`, once a second."""

import time
from collections.abc import Callable, Mapping

from fer_core.runs import STEPS_COLUMNS, EventFiles, Run
from fer_core.storage import append_row
from fer_core.tasks import Progress

SECONDS = 1.0  # between two rows of steps.csv, over which a row's rate is measured


class _Sums:
    """Sums of loss and accuracy over images."""

    def __init__(self) -> None:
        self.images, self.loss, self.accuracy = 0, 0.0, 0.0

    def add(self, images: int, values: Mapping[str, float]) -> None:
        self.images += images
        self.loss += float(values["loss"]) * images
        self.accuracy += float(values["accuracy"]) * images

    @property
    def means(self) -> dict[str, float]:
        images = max(1, self.images)
        return {"loss": self.loss / images, "accuracy": self.accuracy / images}


class StepReporter:
    """Means of loss and accuracy: over the last second for `steps.csv`, over the epoch."""

    def __init__(
        self, run: Run, images: int, epochs: int, epoch: int, events: EventFiles | None = None
    ) -> None:
        """`images` of an epoch, all `epochs`, and the one (from 0) at which this process begins."""
        self.run, self.images, self.epochs, self.events = run, images, epochs, events
        self.started = self.last = time.monotonic()
        self.first_epoch = epoch
        self.recent = _Sums()
        self.begin_epoch(epoch)

    def begin_epoch(self, epoch: int) -> None:
        """From here on `means` are those of this epoch."""
        self.epoch, self.whole = epoch, _Sums()

    @property
    def means(self) -> dict[str, float]:
        """Loss and accuracy over the epoch so far."""
        return self.whole.means

    def after_batch(
        self,
        step: int,
        images: int,
        values: Mapping[str, float],
        learning_rate: Callable[[], float],
    ) -> None:
        """Notes a batch's own loss and accuracy; `step` counts all since the run began."""
        self.whole.add(images, values)
        self.recent.add(images, values)
        now = time.monotonic()
        if now - self.last < SECONDS:
            return
        rate = self.recent.images / (now - self.last)
        row = {
            "step": step,
            "epoch": round(self.epoch + self.whole.images / self.images, 5),
            **self.recent.means,
            "images_per_second": round(rate, 1),
            "learning_rate": learning_rate(),
        }
        append_row(self.run.directory / "steps.csv", row, STEPS_COLUMNS)
        if self.events is not None:
            self.events.add_step(row)
        self.run.save_progress(self._progress(rate, now))
        self.last, self.recent = now, _Sums()

    def _progress(self, rate: float, now: float) -> Progress:
        done = self.epoch * self.images + self.whole.images
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
