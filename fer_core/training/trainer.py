"""Trains a run and writes its checkpoints, curves, best model and results."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import keras
import numpy as np
import pandas as pd

from fer_core.errors import FerError
from fer_core.evaluation import save_calibration
from fer_core.models import (
    begin_stage,
    build_model,
    copy_initial_weights,
    label_model,
    load_model,
    predict,
    predict_tta,
    save_model,
)
from fer_core.runs import (
    COMPLETED,
    CUT_SHORT,
    EARLY_STOPPED,
    HISTORY_COLUMNS,
    PRUNED,
    STEPS_COLUMNS,
    STOPPED,
    EventFiles,
    Result,
    Run,
    RunData,
    open_data_of,
    open_event_files,
    save_image_stats,
    save_predictions,
    save_result,
)
from fer_core.storage import append_row, save_table
from fer_core.tasks import ProgressReporter, Task, raise_if_stopped
from fer_core.training.batches import Batch
from fer_core.training.checkpoints import CheckpointWriter, State, intact_checkpoints
from fer_core.training.device_epochs import open_device_epochs
from fer_core.training.distillation import with_teacher_targets
from fer_core.training.export import export_h5
from fer_core.training.frozen_features import open_stage
from fer_core.training.progress import StepReporter
from fer_core.training.setup import configure_backend, remove_partial_files, write_environment
from fer_core.training.test_split import check_unchanged, evaluate_test
from fer_core.training.weight_average import AveragedModel

LOG = logging.getLogger(__name__)

_CHECKPOINT_SECONDS = 60  # between two checkpoints on an accelerator, whose epochs take seconds
_STATISTICS_IMAGES = 4096  # over which batch normalization's statistics of averaged weights are


def run_training(task: Task) -> None:
    """Trains a run, or resumes it from its last checkpoint; called by the worker.

    Raises:
        CancelledError: stopped before the first batch; a run that was resumed stays unchanged.
        FerError: the dataset or the weights are not available, or the loss became NaN or infinite.
    """
    run = Run(task.directory)
    config = run.config
    data = open_data_of(run, ProgressReporter(task, "Reading the images"))
    check_unchanged(run, data)
    remove_partial_files(run)
    configure_backend(config)
    write_environment(run, data)
    LOG.info("%s\n%s", run.id, data.counts.to_string())
    model = build(run, data)
    data = with_teacher_targets(
        run, data, ProgressReporter(task, "Computing the teachers' predictions")
    )
    trainer = Trainer(run, data, model, ProgressReporter(task, "Computing the features"))
    raise_if_stopped(task)
    trainer.resume()
    reason = trainer.fit()
    trainer.finish(reason)


def build(run: Run, data: RunData) -> keras.Model:
    """Builds the run's model; that of an imported run tells the layers, not only the weights."""
    classes, steps = len(data.class_names), data.steps_per_epoch
    if run.config.family == "imported" and run.initial is not None:
        return build_model(run.config, classes, steps, initial=run.initial.model_file)
    return build_model(run.config, classes, steps)


class Trainer:
    """Trains a run epoch by epoch and saves a checkpoint after each.

    Loops over `train_on_batch` instead of calling `fit`: it is as fast here, can stop after the
    current batch, and controls all random state. On an accelerator, where Python and the disk would
    take longer than the computation, see `DeviceEpochs`; checkpoints are then written after every
    best epoch and once a minute.
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
        if run.initial is not None:  # also when resuming: checkpoints lack the frozen layers
            self._copy_weights(run.initial)
        self._open_stage(0)
        self.average = AveragedModel(model) if self.config.ema else None
        self.state = State()
        self.events: EventFiles | None = None
        self.val_labels = data.labels(data.positions("val"))

    def resume(self) -> None:
        """Restores the newest usable checkpoint, or starts from the beginning.

        Raises:
            FerError: epochs were trained, but no checkpoint can be used; the run is unchanged.
        """
        history = self.run.history
        is_restored = self._restore_newest(history)
        if is_restored:
            # May fail, so it comes before changes to the run.
            probabilities = self._validate(self.state.epoch)
        history = history[history["epoch"] < self.state.epoch]
        save_table(self.run.directory / "history.csv", history, HISTORY_COLUMNS)
        steps = self.run.steps
        steps = steps[steps["step"] <= self.state.step]
        save_table(self.run.directory / "steps.csv", steps, STEPS_COLUMNS)
        (self.run.directory / "result.json").unlink(missing_ok=True)
        if self.config.tensorboard:
            folder = self.run.directory / "tensorboard"
            self.events = open_event_files(folder, history, steps)
        if is_restored:
            self._record_epoch(probabilities)

    def _restore_newest(self, history: pd.DataFrame) -> bool:
        """Restores model and state; returns False if no epoch was trained yet.

        Raises:
            FerError: epochs were trained, but no checkpoint can be used.
        """
        problem = ""
        for checkpoint in intact_checkpoints(self.run.directory / "checkpoints"):
            try:
                _check_history(history, checkpoint.epoch)
                self._enter_stage_of(checkpoint.epoch)
                checkpoint.restore(self.stage.model)
            except FerError as error:
                LOG.warning(
                    "The checkpoint of epoch %d is not used: %s", checkpoint.epoch + 1, error
                )
                problem = str(error).rstrip(".")
            else:
                self.state = checkpoint.state
                return True
        if problem or len(history):
            problem = problem or "Its checkpoints are missing or damaged"
            raise FerError(
                f"{self.run.id} has no intact checkpoint to resume from: it has trained "
                f"{len(history)} epochs. {problem}; its best model, history and predictions are "
                "kept, and a new run can start from its weights."
            )
        return False

    def fit(self) -> str:
        """Trains until the last epoch, early stopping, or a request to stop; returns the reason."""
        self.checkpoints = CheckpointWriter(
            self.run.directory / "checkpoints", _CHECKPOINT_SECONDS if self.device else 0.0
        )
        reason = self._train_epochs()
        self.checkpoints.flush()
        return reason

    def _train_epochs(self) -> str:
        epochs, images = self.goal.epochs, len(self.data.positions("train"))
        self.reporter = StepReporter(self.run, images, epochs, self.state.epoch + 1, self.events)
        for epoch in range(self.state.epoch + 1, epochs):
            if self._out_of_patience():
                return EARLY_STOPPED
            started = time.monotonic()
            self._enter_stage_of(epoch)
            logs = self._train_epoch(epoch)
            if logs is None:
                return PRUNED if self.run.stop_reason else STOPPED
            probabilities = self._validate(epoch)
            self._note_epoch(epoch, logs, probabilities, time.monotonic() - started)
            # Comes first: a resumed run repeats the steps that follow it.
            is_best = self.state.best_epoch == epoch
            self.checkpoints.add(self.stage.model, self.state, at_once=is_best)
            self._record_epoch(probabilities)
            LOG.info("epoch %d of %d: %s", epoch + 1, epochs, _describe(self.state.row))
        return COMPLETED

    def finish(self, reason: str) -> None:
        """Writes predictions, calibration and exports of the finished run; `result.json` last."""
        state = self.state
        if state.best_epoch is None:  # stopped within the first epoch: keep the current weights
            probabilities = self._validate(0)
            state.best_loss, state.best_accuracy = _scores(probabilities, self.val_labels)
            self._seal_test()
            self._save_model(probabilities)
        self._write_outputs(opens_test=self._opens_test(reason))
        result = Result(
            reason,
            state.epoch + 1,
            state.best_epoch,
            state.best_loss,
            state.best_accuracy,
            int(self.run.attempt.name) if self.run.attempt else None,
            " ".join(filter(None, (self._pruning(reason), self.data.changed_since()))),
        )
        if self.events is not None:
            self.events.close()
        save_result(self.run, result)

    def _pruning(self, reason: str) -> str:
        """Returns why a run was pruned; not of one that was done when it was asked to stop."""
        return self.run.stop_reason if reason == PRUNED else ""

    def _write_outputs(self, *, opens_test: bool) -> None:
        run, data = self.run, self.data
        if run.config.architecture == "vgg19_dropout":
            export_h5(run)
        if run.config.average_views and run.model_file is not None:
            probabilities = predict_tta(load_model(run.model_file), data.rows("val"))
            save_predictions(run, "val", data.predictions("val", probabilities), tta=True)
        save_calibration(run)
        save_image_stats(run, data.image_stats())
        if opens_test:
            evaluate_test(run, data)

    def _enter_stage_of(self, epoch: int) -> None:
        """Switches between training the head alone and training the unfrozen blocks too."""
        head_epochs = self.config.head_epochs
        if (epoch < head_epochs) != (self._stage_epoch < head_epochs):
            begin_stage(self.model, self.config, epoch, self.data.steps_per_epoch)
            self._open_stage(epoch)

    def _open_stage(self, epoch: int) -> None:
        self.stage = open_stage(self.data, self.model, epoch, self.progress)
        takes_pixels = self.stage.model is self.model
        self.device = open_device_epochs(self.data, self.model) if takes_pixels else None
        self._stage_epoch = epoch

    def _opens_test(self, reason: str) -> bool:
        """Keeps the test split of a stopped run sealed, as it may be continued."""
        is_wanted = self.config.test_at_end and reason not in CUT_SHORT
        return is_wanted and self.run.has_test and self.run.test_opened is None

    def _train_epoch(self, epoch: int) -> Mapping[str, float] | None:
        """Returns the epoch's mean loss and accuracy, or None if the run was stopped."""
        _seed_dropout(self.stage.model, self.config.seed, epoch)
        self.reporter.begin_epoch(epoch)
        stop = self.run.attempt / "stop" if self.run.attempt else None
        is_stopped = False
        for images, values in self._learn(epoch):
            self._check_finite(values["loss"])
            self.state.step += 1
            self.reporter.after_batch(self.state.step, images, values, self._learning_rate)
            is_stopped = stop is not None and stop.exists()
            if is_stopped:
                break
        if self.device is not None:
            self.device.write_back()
        return None if is_stopped else self.reporter.means

    def _learn(self, epoch: int) -> Iterator[tuple[int, Mapping[str, float]]]:
        """Updates the weights; yields the number of images of each step, its loss and accuracy."""
        if self.device is not None:
            return self.device.learn(epoch)
        batches = self.stage.batches(epoch)
        return ((len(batch.targets), self.train_batch(batch)) for batch in batches)

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

    def train_batch(self, batch: Batch) -> Mapping[str, float]:
        """Updates the weights once; returns loss and accuracy of this batch."""
        return self.stage.model.train_on_batch(
            batch.images, batch.targets, sample_weight=batch.weights, return_dict=True
        )

    def _check_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise FerError(
                "The loss became infinite or NaN with a learning rate of "
                f"{self.config.learning_rate:g}. Try a smaller one."
            )

    def _validate(self, epoch: int) -> np.ndarray:
        """Returns the probabilities of the validation images after training in `epoch`."""
        if self.average is None:
            return self.stage.validate()
        self.average.update()
        _seed_dropout(self.average.model, self.config.seed, epoch)
        batches = islice(
            self.stage.batches(epoch), -(-_STATISTICS_IMAGES // self.config.batch_size)
        )
        self.average.recompute_statistics(batch.images for batch in batches)
        return predict(self.average.model, self.data.rows("val"))

    def _record_epoch(self, probabilities: np.ndarray) -> None:
        """Writes the epoch's results after its checkpoint; repeated if the process died between."""
        if self.state.best_epoch == self.state.epoch:
            self._save_model(probabilities)
        history = self.run.directory / "history.csv"
        append_row(history, self.state.row, HISTORY_COLUMNS, durable=True)
        if self.events is not None:
            self.events.add_epoch(self.state.row)

    def _seal_test(self) -> None:
        """Deletes test predictions of the previous best model; the openings stay recorded."""
        for averaged in (False, True):
            self.run.predictions_file("test", tta=averaged).unlink(missing_ok=True)

    def _save_model(self, probabilities: np.ndarray) -> None:
        model = label_model(self.model) if self.average is None else self.average.model
        save_model(model, self.run.directory / "model.keras")
        save_predictions(self.run, "val", self.data.predictions("val", probabilities))

    def _copy_weights(self, initial: Run) -> None:
        if initial.model_file is None:
            raise FerError(
                f"{self.run.id} needs its initial weights. They are missing: start a new run."
            )
        source = load_model(initial.model_file, self.config, len(initial.class_names))
        copy_initial_weights(
            label_model(self.model), source, self.data.class_names, initial.class_names
        )

    def _learning_rate(self) -> float:
        return float(self.stage.model.optimizer.learning_rate)

    def _out_of_patience(self) -> bool:
        patience = self.config.early_stopping
        return bool(patience) and self.state.epochs_without_improvement(self.goal.since) >= patience


def _check_history(history: pd.DataFrame, epoch: int) -> None:
    """Raises a FerError unless the history has every epoch before this one."""
    epochs = history["epoch"][history["epoch"] < epoch]
    if epochs.tolist() != list(range(epoch)):
        raise FerError(
            f"history.csv must have the {epoch} epochs before the checkpoint. It has {len(epochs)}"
        )


def _scores(probabilities: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Returns mean cross-entropy, clipped like Keras's, and accuracy."""
    true_class = probabilities[np.arange(len(labels)), labels]
    loss = -np.log(np.clip(true_class, keras.config.epsilon(), 1)).mean()
    return float(loss), float((probabilities.argmax(axis=1) == labels).mean())


def _describe(row: Mapping[str, float]) -> str:
    return (
        f"loss {row['loss']:.3f}, accuracy {row['accuracy']:.1%}, "
        f"val loss {row['val_loss']:.3f}, val accuracy {row['val_accuracy']:.1%}, "
        f"{row['seconds']:.0f} s"
    )


def _seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Seeds dropout by (seed, epoch), so that no random state needs to be stored."""
    for number, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout):
            state = np.random.default_rng((seed, epoch, number)).integers(2**31, size=2)
            layer.seed_generator.state.assign(state.astype("uint32"))
