"""What a run keeps of its training, with a small model: how it ends, continues and resumes."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core.datasets.pixel_cache import open_pixels
from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.errors import FerError
from fer_core.evaluation.calibration import apply_temperature, calibrate
from fer_core.models.architectures import load_model, save_model
from fer_core.models.prediction import predict
from fer_core.runs.config import Augmentation, TrainConfig
from fer_core.runs.records import COMPLETED, EARLY_STOPPED, Goal
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from fer_core.storage.files import write_json
from fer_core.training.test_split import open_test
from fer_core.training.trainer import Trainer
from tests.training.in_process import go_on, interrupted, same, small_model, trained

pytestmark = pytest.mark.usefixtures("small_model")


@pytest.fixture
def config(workspace: Path) -> TrainConfig:
    draw_dataset("faces", count=140)
    return TrainConfig(dataset="faces", batch_size=16, epochs=3, learning_rate=1e-3)


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
    from fer_core.inference.recognition import Classifier

    dataset = open_dataset("faces")
    positions = dataset.select("val")
    answers = Classifier.load(run).predict([dataset.image(position) for position in positions])
    recorded = run.predictions("val")[[f"p_{name}" for name in run.class_names]].to_numpy()
    assert np.allclose(
        answers, apply_temperature(recorded, run.calibration().temperature), atol=1e-5
    )


def test_a_finished_run_has_a_calibration_and_its_views(config: TrainConfig) -> None:
    run = trained(replace(config, average_views=True, test_at_end=True))
    for averaged in (False, True):
        table = run.predictions("val", tta=averaged)
        assert run.calibration(tta=averaged) == calibrate(table)
    for split in ("val", "test"):
        one, ten = run.predictions(split), run.predictions(split, tta=True)
        assert one["path"].equals(ten["path"])
        assert not np.allclose(one.filter(regex="^p_"), ten.filter(regex="^p_"))
    plain = trained(replace(config, epochs=1))
    assert plain.predictions("val", tta=True) is None
    assert plain.calibration() is not None and plain.calibration(tta=True) is None


def test_continuing_equals_having_asked_for_all_epochs_at_once(config: TrainConfig) -> None:
    config = replace(config, augmentation=Augmentation(shift=0.1, zoom=0.1))
    run = go_on(trained(replace(config, epochs=2)), epochs=3, since=2)
    assert run.result.reason == COMPLETED and run.result.epochs == 3
    assert same(run, trained(config))


def test_a_continued_run_that_is_interrupted_goes_on_to_its_new_end(config: TrainConfig) -> None:
    run = go_on(trained(replace(config, epochs=1)), epochs=2, since=1)
    assert go_on(run, resumed_after=2).goal == Goal(2, since=1)
    assert run.result.epochs == 2


def test_patience_begins_anew_when_a_run_is_continued(config: TrainConfig) -> None:
    config = replace(config, epochs=60, early_stopping=2, learning_rate=1e-8)
    run = trained(config)
    assert run.result.reason == EARLY_STOPPED
    done = run.result.epochs
    go_on(run, epochs=60, since=done)
    assert run.result.epochs > done


def test_a_better_model_seals_the_test_split_again(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(replace(config, epochs=1, test_at_end=True))
    assert len(run.test_openings) == 1 and run.test_opened is not None
    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_opens_test", lambda self, reason: False)
        go_on(run, epochs=20, since=1)
    assert run.result.best_epoch > 0
    assert run.test_opened is None and run.predictions("test") is None
    open_test(run)
    assert len(run.test_openings) == 2 and run.test_opened == run.test_openings[-1]
    answers = run.predictions_file("test").stat().st_mtime_ns
    open_test(run)  # what is open stays as it is
    assert (
        len(run.test_openings) == 2 and run.predictions_file("test").stat().st_mtime_ns == answers
    )


def test_a_continuation_that_fails_before_it_begins_leaves_the_run_as_it_was(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(self: Trainer, epoch: int) -> np.ndarray:
        raise MemoryError

    run = trained(replace(config, epochs=1))
    before = [(run.directory / name).read_bytes() for name in ("history.csv", "result.json")]
    monkeypatch.setattr(Trainer, "_validate", no_memory)
    with pytest.raises(MemoryError):
        go_on(run, epochs=2, since=1)
    assert before == [
        (run.directory / name).read_bytes() for name in ("history.csv", "result.json")
    ]


def test_a_run_that_lost_its_checkpoints_is_not_trained_over(config: TrainConfig) -> None:
    run = trained(replace(config, epochs=1))
    for folder in (run.directory / "checkpoints").iterdir():
        (folder / "arrays.npz").write_bytes(b"damaged")
    before = run.history
    with pytest.raises(ValueError, match="has no intact checkpoint.*trained 1 epochs"):
        go_on(run, epochs=2, since=1)
    assert run.history.equals(before) and run.predictions("val") is not None


def cut_history(run: Run) -> None:
    """Loses the first of three epochs; two checkpoints are kept."""
    file = run.directory / "history.csv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:1], *lines[2:]]))


def empty_state(run: Run) -> None:
    for folder in (run.directory / "checkpoints").iterdir():
        manifest = json.loads((folder / "manifest.json").read_text())
        write_json(folder / "manifest.json", manifest | {"state": {}})


@pytest.mark.parametrize("harm", [cut_history, empty_state])
def test_nothing_is_changed_before_all_that_a_resume_needs_is_checked(
    config: TrainConfig, harm: Callable[[Run], None]
) -> None:
    run = trained(replace(config, epochs=3))
    harm(run)
    before = {path: path.read_bytes() for path in run.directory.glob("*.*")}
    with pytest.raises(FerError, match="has no intact checkpoint"):
        go_on(run, epochs=4, since=3)
    assert {path: path.read_bytes() for path in run.directory.glob("*.*")} == before


def test_a_history_that_lost_its_end_is_continued_from_the_checkpoint_before(
    config: TrainConfig,
) -> None:
    run, whole = trained(replace(config, epochs=3)), trained(replace(config, epochs=4))
    file = run.directory / "history.csv"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:2]))
    go_on(run, epochs=4, since=3)
    assert same(run, whole)


def test_a_run_can_begin_with_the_weights_of_another(config: TrainConfig) -> None:
    first = trained(replace(config, epochs=8))
    run = create_run(replace(config, epochs=1, learning_rate=1e-8, initial_run=first.id))
    first.delete()
    go_on(run)
    assert run.history["val_accuracy"][0] == pytest.approx(first_accuracy(run), abs=0.01)


def first_accuracy(run: Run) -> float:
    """Of the weights that a run began with, on its validation images."""
    dataset = open_dataset("faces")
    positions = dataset.select("val")
    pixels = open_pixels(dataset, (48, 48), 1)[positions]
    answers = predict(load_model(run.initial.model_file), pixels).argmax(axis=1)
    truth = dataset.index["expression"][positions]
    return float((np.array(run.class_names)[answers] == truth).mean())


def test_classes_are_matched_by_name_when_a_run_begins_with_other_weights(
    config: TrainConfig,
) -> None:
    first = trained(replace(config, epochs=1))
    names = ("sad", "happy")
    config = replace(config, class_names=names, learning_rate=1e-8, epochs=1)
    run = trained(replace(config, initial_run=first.id))
    kernel = load_model(run.model_file).layers[-1].get_weights()[0]
    theirs = load_model(first.model_file).layers[-1].get_weights()[0]
    columns = [first.class_names.index(name) for name in run.class_names]
    assert np.allclose(kernel, theirs[:, columns], atol=1e-5)


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
    with pytest.raises(ValueError, match="The loss became infinite or NaN.* of 0.001"):
        trained(config)


def test_changed_images_keep_the_test_split_sealed(config: TrainConfig) -> None:
    run = trained(config)
    record = run.environment | {"fingerprint": "that of other images"}
    write_json(run.directory / "environment.json", record)
    with pytest.raises(ValueError, match="have changed since"):
        open_test(run)
    assert run.test_opened is None


def test_only_chosen_classes_are_learned(config: TrainConfig) -> None:
    run = trained(replace(config, class_names=("happy", "sad"), epochs=1))
    assert run.class_names == ("happy", "sad")
    assert load_model(run.model_file).output_shape == (None, 2)
    assert set(run.predictions("val")["expression"]) == {"happy", "sad"}


def test_a_model_that_saw_gray_images_only_is_shown_no_colors(config: TrainConfig) -> None:
    from fer_core.inference.recognition import Classifier

    assert not trained(replace(config, epochs=1)).is_gray  # the drawn faces have colors
    config = replace(config, architecture="vgg19_dropout", image_size=(32, 32))
    gray = create_run(config)
    save_model(small_model(config, 2), gray.directory / "model.keras")
    record = {"class_names": ["happy", "sad"], "counts": {}, "gray": True}
    write_json(gray.directory / "dataset.json", record)
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype="uint8")
    pixels = Classifier.load(gray).pixels(image)
    assert (pixels == pixels[..., :1]).all()


def test_a_run_does_not_go_on_with_other_images(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = interrupted(config, monkeypatch, epoch=0)
    before = run.environment
    open_dataset("faces").delete()
    draw_dataset("faces", count=140, seed=1)
    with pytest.raises(ValueError, match="have changed since .* started"):
        go_on(run)
    assert run.environment == before and len(run.history) == 1


def test_what_a_killed_attempt_left_half_written_is_swept(config: TrainConfig) -> None:
    run = create_run(replace(config, epochs=1))
    left = [run.directory / ".model.1a2b3c4d.keras", run.directory / "checkpoints" / ".0" / "a.npz"]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    kept = run.directory / ".git" / "config"  # the user's
    kept.parent.mkdir()
    kept.touch()
    go_on(run)
    assert not any(path.exists() for path in left) and not left[1].parent.exists()
    assert kept.exists()


def test_a_validation_loss_that_is_no_number_ends_with_a_sentence(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(model: object, pixels: np.ndarray) -> np.ndarray:
        return np.full((len(pixels), 7), np.nan, "float32")

    monkeypatch.setattr("fer_core.training.frozen_features.predict", spoilt)
    with pytest.raises(ValueError, match="The loss became infinite or NaN"):
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
