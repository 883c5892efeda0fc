"""Reports the progress of a training to `steps.csv` and `progress.json`, once a second."""

import time
from collections.abc import Callable, Mapping

from fer_core.runs import STEPS_COLUMNS, EventFiles, Run
from fer_core.storage import append_row
from fer_core.tasks import Progress

SECONDS = 1.0  # between two rows of steps.csv, over which a row's rate is measured

# The remaining time is estimated from the second step on: the first one includes TensorFlow's
# tracing of the graph. It is reported after so many further steps or seconds, whichever is first.
ESTIMATE_STEPS = 20
ESTIMATE_SECONDS = 5.0


class _Means:
    """Averages loss and accuracy, weighted by images."""

    def __init__(self) -> None:
        self.images, self.loss, self.accuracy = 0, 0.0, 0.0

    def add(self, images: int, values: Mapping[str, float]) -> None:
        self.images += images
        self.loss += float(values["loss"]) * images
        self.accuracy += float(values["accuracy"]) * images

    def values(self) -> dict[str, float]:
        images = max(1, self.images)
        return {"loss": self.loss / images, "accuracy": self.accuracy / images}


class StepReporter:
    """Averages loss and accuracy over the last second, for `steps.csv`, and over the epoch."""

    def __init__(
        self, run: Run, images: int, epochs: int, epoch: int, events: EventFiles | None = None
    ) -> None:
        """Starts at `epoch` (from 0) of `epochs` epochs with `images` images each."""
        self.run, self.images, self.epochs, self.events = run, images, epochs, events
        self.steps = 0  # of this process
        self.last_report = self.last_batch = time.monotonic()
        self.batch_sizes: set[int] = set()
        self.recent = _Means()
        self.begin_epoch(epoch)

    def begin_epoch(self, epoch: int) -> None:
        """Starts a new average over the epoch."""
        self.epoch, self.whole = epoch, _Means()
        now = time.monotonic()
        # The speed leaves out validation and checkpoints; the remaining time includes them.
        self.last_report += now - self.last_batch
        self.last_batch = now

    @property
    def means(self) -> dict[str, float]:
        """Loss and accuracy over the epoch so far."""
        return self.whole.values()

    def after_batch(
        self,
        step: int,
        images: int,
        values: Mapping[str, float],
        learning_rate: Callable[[], float],
    ) -> None:
        """Adds the loss and accuracy of one batch; `step` counts from the start of the run."""
        self.whole.add(images, values)
        self.recent.add(images, values)
        self.steps += 1
        now = time.monotonic()
        if self.steps == 1:
            self.first_step_ended, self.first_step_images = now, self._images_done()
        elif images not in self.batch_sizes:  # the last batch of an epoch is traced once too
            self.last_report += now - self.last_batch
            self.first_step_ended += now - self.last_batch
        self.last_batch = now
        self.batch_sizes.add(images)
        if self.steps > 1 and now - self.last_report < SECONDS:
            return
        rate = self.recent.images / max(now - self.last_report, 1e-9)
        row = {
            "step": step,
            "epoch": round(self.epoch + self.whole.images / self.images, 5),
            **self.recent.values(),
            "images_per_second": round(rate, 1),
            "learning_rate": learning_rate(),
        }
        append_row(self.run.directory / "steps.csv", row, STEPS_COLUMNS)
        if self.events is not None:
            self.events.add_step(row)
        self.run.save_progress(self._progress(rate, now))
        self.last_report, self.recent = now, _Means()

    def _images_done(self) -> int:
        return self.epoch * self.images + self.whole.images

    def _progress(self, rate: float, now: float) -> Progress:
        done, total = self._images_done(), self.epochs * self.images
        elapsed = now - self.first_step_ended
        seconds_left = None
        if self.steps > ESTIMATE_STEPS or elapsed >= ESTIMATE_SECONDS:
            # The elapsed time includes validation and checkpoints.
            seconds_left = (total - done) * elapsed / (done - self.first_step_images)
        return Progress(
            done,
            total,
            message=f"epoch {self.epoch + 1} of {self.epochs}",
            rate=rate if self.steps > 1 else None,
            seconds_left=seconds_left,
        )
