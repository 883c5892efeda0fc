"""Training in this process: what a run keeps, and that going on is going on."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core import processes
from fer_core.config import Augmentation, TrainConfig
from fer_core.datasets import open_dataset
from fer_core.datasets.drawn import draw_dataset
from fer_core.files import write_json
from fer_core.models import load_model, predict
from fer_core.records import EARLY_STOPPED
from fer_core.runs import Run
from fer_core.sealed_test import open_test
from fer_core.submission import create_run
from fer_core.training import Trainer, run_training


@pytest.fixture
def config(workspace: Path) -> TrainConfig:
    draw_dataset("faces", count=140)
    return TrainConfig(dataset="faces", batch_size=16, epochs=3, learning_rate=1e-3)


def trained(config: TrainConfig) -> Run:
    return go_on(create_run(config))


def go_on(run: Run) -> Run:
    """What the worker does in its child process, done in this one."""
    attempt = run.directory / "attempts" / str(len(run.attempts))
    attempt.mkdir(parents=True)
    write_json(attempt / "process.json", processes.process_record() | {"started": 0.0})
    write_json(attempt / "request.json", {"kind": "train", "arguments": {}, "submitted": 0.0})
    try:
        run_training(run)
    finally:
        write_json(attempt / "exit.json", {"code": 0, "signal": None, "ended": 1.0})
    return run


def test_the_kept_model_is_that_of_the_best_validation_epoch(config: TrainConfig) -> None:
    run = trained(config)
    history, result = run.history, run.result
    assert result.best_epoch == int(history["val_accuracy"].idxmax())
    assert result.val_accuracy == pytest.approx(history["val_accuracy"].max())
    predictions = run.predictions("val")
    columns = [f"p_{name}" for name in run.class_names]
    right = predictions[columns].to_numpy().argmax(axis=1)
    names = np.array(run.class_names)[right]
    assert (names == predictions["expression"]).mean() == pytest.approx(result.val_accuracy)


def test_recognising_an_image_of_the_data_set_gives_what_validation_gave(
    config: TrainConfig,
) -> None:
    run = trained(config)
    from fer_core.recognition import Classifier

    dataset = open_dataset("faces")
    positions = dataset.select("val")
    answers = Classifier.load(run).predict([dataset.image(position) for position in positions])
    columns = [f"p_{name}" for name in run.class_names]
    assert np.allclose(answers, run.predictions("val")[columns], atol=1e-5)


def test_going_on_from_a_checkpoint_equals_never_having_stopped(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(config, augmentation=Augmentation(rotation=10, flip=True))
    whole = trained(config)
    run = interrupted(config, monkeypatch, epoch=1)
    assert run.result is None and len(run.history) == 2
    go_on(run)
    numbers = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]
    assert np.allclose(run.history[numbers], whole.history[numbers], rtol=1e-4)
    pixels = np.random.default_rng(0).integers(0, 256, (8, 48, 48, 1), dtype="uint8")
    ours, theirs = (predict(load_model(each.model_file), pixels) for each in (run, whole))
    assert np.allclose(ours, theirs, atol=1e-4)


def interrupted(config: TrainConfig, monkeypatch: pytest.MonkeyPatch, epoch: int) -> Run:
    """A run whose training ended the hard way in the middle of the epoch that follows."""
    run, original = create_run(config), Trainer._train_batch

    def cut(self: Trainer, batch: object) -> object:
        if self.state.epoch == epoch and self.reporter.whole.images > 30:
            raise KeyboardInterrupt
        return original(self, batch)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_train_batch", cut)
        with pytest.raises(KeyboardInterrupt):
            go_on(run)
    return run


def test_early_stopping_ends_when_patience_is_over(config: TrainConfig) -> None:
    run = trained(replace(config, epochs=60, early_stopping=2, learning_rate=1e-8))
    assert run.result.reason == EARLY_STOPPED
    assert run.result.epochs == run.result.best_epoch + 3 < 60


def test_a_loss_that_is_no_number_ends_with_a_sentence(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(*arguments: object, **settings: object) -> dict[str, float]:
        return {"loss": float("nan"), "accuracy": 0.0}

    monkeypatch.setattr(keras.Model, "train_on_batch", spoilt)
    with pytest.raises(ValueError, match="The loss must stay a number.*learning_rate=0.001"):
        trained(config)


def test_changed_images_keep_the_test_split_sealed(config: TrainConfig) -> None:
    run = trained(config)
    record = run.environment | {"fingerprint": "that of other images"}
    write_json(run.directory / "environment.json", record)
    with pytest.raises(ValueError, match="must be as it was"):
        open_test(run)
    assert run.test_opened is None


def test_only_chosen_classes_are_learned(config: TrainConfig) -> None:
    run = trained(replace(config, class_names=("happy", "sad"), epochs=1))
    assert run.class_names == ("happy", "sad")
    assert load_model(run.model_file).output_shape == (None, 2)
    assert set(run.predictions("val")["expression"]) == {"happy", "sad"}


def test_a_network_that_saw_gray_images_only_is_shown_no_colours(config: TrainConfig) -> None:
    from fer_core.recognition import Classifier

    config = replace(config, architecture="vgg19_dropout", image_size=(32, 32), epochs=1)
    coloured = trained(config)
    assert not coloured.is_gray  # the drawn faces have colours
    write_json(
        coloured.directory / "dataset.json",
        {"class_names": coloured.class_names, "counts": {}, "gray": True},
    )
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype="uint8")
    pixels = Classifier.load(coloured).pixels(image)
    assert (pixels == pixels[..., :1]).all()


def test_a_run_does_not_go_on_with_other_images(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = interrupted(config, monkeypatch, epoch=0)
    before = run.environment
    open_dataset("faces").delete()
    draw_dataset("faces", count=140, seed=1)
    with pytest.raises(ValueError, match="must be as it was when .* began"):
        go_on(run)
    assert run.environment == before and len(run.history) == 1


def test_what_a_killed_attempt_left_half_written_is_swept(config: TrainConfig) -> None:
    run = create_run(replace(config, epochs=1))
    left = [run.directory / ".model.1a2b.keras", run.directory / "checkpoints" / ".0" / "a.npz"]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    go_on(run)
    assert not any(path.exists() for path in left) and not left[1].parent.exists()


def test_a_validation_loss_that_is_no_number_ends_with_a_sentence(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(model: object, pixels: np.ndarray) -> np.ndarray:
        return np.full((len(pixels), 7), np.nan, "float32")

    monkeypatch.setattr("fer_core.training.predict", spoilt)
    with pytest.raises(ValueError, match="The loss must stay a number"):
        trained(config)


def test_the_test_split_is_evaluated_though_the_data_set_is_deleted_meanwhile(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Trainer.finish

    def finish(self: Trainer, reason: str) -> None:
        open_dataset("faces").delete()
        original(self, reason)

    monkeypatch.setattr(Trainer, "finish", finish)
    run = trained(replace(config, epochs=1, test_at_end=True))
    assert run.result is not None and len(run.predictions("test")) == 14
