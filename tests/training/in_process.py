"""Small trainings in this process: what the worker does in its child process."""

import keras
import numpy as np
import pytest

from fer_core.models.architectures import load_model
from fer_core.models.optimizers import make_optimizer
from fer_core.runs.config import TrainConfig
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from fer_core.storage.files import write_json
from fer_core.tasks import processes
from fer_core.training.trainer import Trainer, run_training


def small_model(
    config: TrainConfig, classes: int, steps_per_epoch: int = 1, *, initial: object = None
) -> keras.Model:
    """Builds a model of one trained layer, above a frozen one in the VGG19 family.

    It stands in for `build_model` where a test is about what a run does and keeps, whatever its
    architecture: it trains in a quarter of the time.
    """
    inputs = keras.Input((*config.image_size, config.channels), name="pixels")
    x = keras.layers.Rescaling(1 / 255, name="scaling")(inputs)
    if config.family == "vgg19":
        x = keras.layers.Conv2D(4, 5, trainable=False, name="block1_conv1")(x)
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(4)(x))
    outputs = keras.layers.Dense(classes, activation="softmax", name="probabilities")(x)
    model = keras.Model(inputs, outputs)
    optimizer = make_optimizer(config, steps_per_epoch)
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    return model


def trained(config: TrainConfig) -> Run:
    return go_on(create_run(config))


def go_on(run: Run, **arguments: int) -> Run:
    """Does what the worker does in its child process."""
    attempt = run.directory / "attempts" / str(len(run.attempts))
    attempt.mkdir(parents=True)
    write_json(attempt / "process.json", processes.process_record() | {"started": 0.0})
    request = {"kind": "train", "arguments": arguments, "submitted": 0.0}
    write_json(attempt / "request.json", request)
    try:
        run_training(run)
    finally:
        write_json(attempt / "exit.json", {"code": 0, "signal": None, "ended": 1.0})
    return run


def interrupted(config: TrainConfig, monkeypatch: pytest.MonkeyPatch, epoch: int) -> Run:
    """Trains a run that ends the hard way in the middle of the epoch after that one."""
    run, original = create_run(config), Trainer.train_batch

    def cut(self: Trainer, batch: object) -> object:
        if self.state.epoch == epoch and self.reporter.whole.images > 20:
            raise KeyboardInterrupt
        return original(self, batch)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "train_batch", cut)
        with pytest.raises(KeyboardInterrupt):
            go_on(run)
    return run


def same(one: Run, other: Run) -> bool:
    """Tells whether two runs have the same history and weights, bit for bit."""
    histories = [run.history.drop(columns="seconds") for run in (one, other)]
    models = [load_model(run.model_file).get_weights() for run in (one, other)]
    return histories[0].equals(histories[1]) and all(map(np.array_equal, *models))
