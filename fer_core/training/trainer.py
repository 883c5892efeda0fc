"""Trains one run and leaves everything it learned in the run's directory."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

import keras
import numpy as np

from fer_core.errors import FerError
from fer_core.models import begin_stage, build_model, copy_initial_weights, load_model, save_model
from fer_core.runs import (
    COMPLETED,
    EARLY_STOPPED,
    HISTORY_COLUMNS,
    STEPS_COLUMNS,
    STOPPED,
    EventFiles,
    Result,
    Run,
    RunData,
    open_data_of,
    open_event_files,
    save_predictions,
    save_result,
)
from fer_core.storage import append_row, save_table
from fer_core.tasks import Task, stop_if_asked, task_progress
from fer_core.training.backend import configure_backend
from fer_core.training.batches import Batch
from fer_core.training.checkpoints import load_latest, save_checkpoint
from fer_core.training.distillation import with_teacher_targets
from fer_core.training.finishing import finish_run
from fer_core.training.frozen_features import open_stage
from fer_core.training.progress import StepReporter
from fer_core.training.setup import remove_partial_files, write_environment
from fer_core.training.test_split import check_unchanged

LOG = logging.getLogger(__name__)


def run_training(task: Task) -> None:
    """Trains a run, or goes on from its last checkpoint; the worker's entry.

    Raises:
        StoppedError: asked for before the first batch; a run that had begun stays as it was.
        FerError: the data set or the weights cannot be had, or the loss is no number any more.
    """
    run = Run(task.directory)
    config = run.config
    data = open_data_of(run, task_progress(task, "Reading the images"))
    check_unchanged(run, data)
    remove_partial_files(run)
    configure_backend(config)
    write_environment(run, data)
    LOG.info("%s\n%s", run.id, data.counts.to_string())
    model = build_model(config, len(data.class_names), data.steps_per_epoch)
    data = with_teacher_targets(run, data, task_progress(task, "Asking the teachers"))
    trainer = Trainer(run, data, model, task_progress(task, "Computing the features"))
    stop_if_asked(task)
    trainer.resume()
    reason = trainer.fit()
    trainer.finish(reason)


@dataclass
class State:
    """What the trainer remembers from epoch to epoch, kept in every checkpoint."""

    epoch: int = -1  # the last whole one, counted from 0
    step: int = 0  # optimizer steps so far
    best_epoch: int | None = None
    best_accuracy: float = -1.0
    best_loss: float = 0.0
    row: dict[str, float] = field(default_factory=dict)  # the last epoch's row of history.csv

    def epochs_without_gain(self, since: int) -> int:
        """Whole epochs since the best one, or since so many were done, whichever is later."""
        if self.best_epoch is None:
            return 0
        return self.epoch - max(self.best_epoch, since - 1)


class Trainer:
    """One run being trained: an epoch after another, each whole one left on disk.

    A plain loop over `train_on_batch` rather than `fit`, which is as fast here and leaves no
    place to stop after the batch in hand, or to restore what is random.
    """

    def __init__(
        self,
        run: Run,
        data: RunData,
        model: keras.Model,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.run, self.data, self.model = run, data, model
        self.config, self.goal, self.progress = run.config, run.goal, progress
        if run.initial is not None:  # the frozen layers too, which no checkpoint holds
            self._begin_with(run.initial)
        self._open_lessons(0)
        self.state = State()
        self.events: EventFiles | None = None
        self.val_labels = data.labels(data.positions("val"))

    def resume(self) -> None:
        """Goes back to the newest whole checkpoint, or to the very beginning.

        Raises:
            FerError: epochs were trained, and no checkpoint of them is whole.
        """
        checkpoint, history = load_latest(self.run.directory / "checkpoints"), self.run.history
        if checkpoint is None and len(history):
            raise FerError(
                f"{self.run.id} must have a whole checkpoint to go on from: it has trained "
                f"{len(history)} epochs. Its checkpoints are missing or damaged; its best model, "
                "history and predictions stay, and a new run can start from its weights."
            )
        if checkpoint is not None:
            self._enter_stage_of(checkpoint.epoch)
            checkpoint.restore(self.lessons.model)
            self.state = State(**checkpoint.state)
            probabilities = self._validate()  # what may fail comes before what changes the run
        history = history[history["epoch"] < self.state.epoch]
        save_table(self.run.directory / "history.csv", history, HISTORY_COLUMNS)
        steps = self.run.steps
        steps = steps[steps["step"] <= self.state.step]
        save_table(self.run.directory / "steps.csv", steps, STEPS_COLUMNS)
        (self.run.directory / "result.json").unlink(missing_ok=True)
        if self.config.tensorboard:
            folder = self.run.directory / "tensorboard"
            self.events = open_event_files(folder, history, steps)
        if checkpoint is not None:
            self._record_epoch(probabilities)

    def fit(self) -> str:
        """Trains until the last epoch, until no gain, or until asked to stop; says which."""
        epochs, images = self.goal.epochs, len(self.data.positions("train"))
        self.reporter = StepReporter(self.run, images, epochs, self.state.epoch + 1, self.events)
        for epoch in range(self.state.epoch + 1, epochs):
            if self._patience_is_over():
                return EARLY_STOPPED
            started = time.monotonic()
            self._enter_stage_of(epoch)
            logs = self._train_epoch(epoch)
            if logs is None:
                return STOPPED
            probabilities = self._validate()
            self._note_epoch(epoch, logs, probabilities, time.monotonic() - started)
            # The checkpoint comes first: what follows it can be done again from it.
            folder = self.run.directory / "checkpoints"
            save_checkpoint(folder, epoch, self.lessons.model, asdict(self.state))
            self._record_epoch(probabilities)
            LOG.info("epoch %d of %d: %s", epoch + 1, epochs, _in_words(self.state.row))
        return COMPLETED

    def finish(self, reason: str) -> None:
        """Leaves what a finished run has; `result.json` last."""
        state = self.state
        if state.best_epoch is None:  # stopped within the first epoch: keep what there is
            probabilities = self._validate()
            state.best_loss, state.best_accuracy = _scores(probabilities, self.val_labels)
            self._seal_test()
            self._keep_model(probabilities)
        finish_run(self.run, self.data, opens_test=self._opens_test(reason))
        result = Result(
            reason,
            state.epoch + 1,
            state.best_epoch,
            state.best_loss,
            state.best_accuracy,
            int(self.run.attempt.name) if self.run.attempt else None,
            self.data.changed_since(),
        )
        if self.events is not None:
            self.events.close()
        save_result(self.run, result)

    def _enter_stage_of(self, epoch: int) -> None:
        """After the epochs of the head alone, lets more of the network learn."""
        if (epoch < self.config.head_epochs) != (self._learned_from < self.config.head_epochs):
            begin_stage(self.model, self.config, epoch, self.data.steps_per_epoch)
            self._open_lessons(epoch)

    def _open_lessons(self, epoch: int) -> None:
        self.lessons = open_stage(self.data, self.model, epoch, self.progress)
        self._learned_from = epoch

    def _opens_test(self, reason: str) -> bool:
        """A stopped run may go on: its test split stays sealed."""
        asked = self.config.test_at_end and reason != STOPPED
        return asked and self.run.has_test and self.run.test_opened is None

    def _train_epoch(self, epoch: int) -> Mapping[str, float] | None:
        """The epoch's mean loss and accuracy, or None where it was asked to stop."""
        _seed_dropout(self.lessons.model, self.config.seed, epoch)
        self.reporter.begin_epoch(epoch)
        stop = self.run.attempt / "stop" if self.run.attempt else None
        for batch in self.lessons.batches(epoch):
            values = self._train_batch(batch)
            self.state.step += 1
            self.reporter.after_batch(
                self.state.step, len(batch.targets), values, self._learning_rate
            )
            if stop is not None and stop.exists():
                return None
        return self.reporter.means

    def _note_epoch(
        self, epoch: int, logs: Mapping[str, float], probabilities: np.ndarray, seconds: float
    ) -> None:
        loss, accuracy = _scores(probabilities, self.val_labels)
        self._check_finite(loss)
        self.state.epoch = epoch
        self.state.row = {
            "epoch": epoch,
            "loss": logs["loss"],
            "accuracy": logs["accuracy"],
            "val_loss": loss,
            "val_accuracy": accuracy,
            "learning_rate": self._learning_rate(),
            "seconds": seconds,
        }
        if accuracy > self.state.best_accuracy:
            self.state.best_epoch = epoch
            self.state.best_accuracy, self.state.best_loss = accuracy, loss
            self._seal_test()

    def _train_batch(self, batch: Batch) -> Mapping[str, float]:
        """Corrects the weights once; loss and accuracy of this batch alone."""
        logs = self.lessons.model.train_on_batch(
            batch.images, batch.targets, sample_weight=batch.weights, return_dict=True
        )
        self._check_finite(logs["loss"])
        return logs

    def _check_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise FerError(
                "The loss must stay a number; it became infinite or undefined. A smaller learning "
                f"rate may help. Received: learning_rate={self.config.learning_rate:g}"
            )

    def _validate(self) -> np.ndarray:
        return self.lessons.validate()

    def _record_epoch(self, probabilities: np.ndarray) -> None:
        """What follows a checkpoint; done again when the process died in between."""
        if self.state.best_epoch == self.state.epoch:
            self._keep_model(probabilities)
        history = self.run.directory / "history.csv"
        append_row(history, self.state.row, HISTORY_COLUMNS, durable=True)
        if self.events is not None:
            self.events.add_epoch(self.state.row)

    def _seal_test(self) -> None:
        """Drops what the model before the best one answered; that it was asked stays recorded."""
        for averaged in (False, True):
            self.run.predictions_file("test", tta=averaged).unlink(missing_ok=True)

    def _keep_model(self, probabilities: np.ndarray) -> None:
        save_model(self.model, self.run.directory / "model.keras")
        save_predictions(self.run, "val", self.data.predictions("val", probabilities))

    def _begin_with(self, initial: Run) -> None:
        if initial.model_file is None:
            raise FerError(f"{self.run.id} must have the weights it begins with. They are gone.")
        source = load_model(initial.model_file)
        copy_initial_weights(self.model, source, self.data.class_names, initial.class_names)

    def _learning_rate(self) -> float:
        return float(self.lessons.model.optimizer.learning_rate)

    def _patience_is_over(self) -> bool:
        patience = self.config.early_stopping
        return bool(patience) and self.state.epochs_without_gain(self.goal.since) >= patience


def _scores(probabilities: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Mean cross-entropy, clipped as Keras clips it, and accuracy."""
    of_truth = probabilities[np.arange(len(labels)), labels]
    loss = -np.log(np.clip(of_truth, keras.config.epsilon(), 1)).mean()
    return float(loss), float((probabilities.argmax(axis=1) == labels).mean())


def _in_words(row: Mapping[str, float]) -> str:
    return (
        f"loss {row['loss']:.3f}, accuracy {row['accuracy']:.1%}, "
        f"val loss {row['val_loss']:.3f}, val accuracy {row['val_accuracy']:.1%}, "
        f"{row['seconds']:.0f} s"
    )


def _seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Makes dropout's masks a matter of (seed, epoch), so that nothing random needs storing."""
    for number, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout):
            state = np.random.default_rng((seed, epoch, number)).integers(2**31, size=2)
            layer.seed_generator.state.assign(state.astype("uint32"))
