"""A network that learns what others answer."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.models.architectures import load_model
from fer_core.models.prediction import predict
from fer_core.runs.config import TrainConfig
from fer_core.runs.run import Run
from fer_core.runs.run_data import open_data_of
from fer_core.runs.submit import create_run
from fer_core.training import distillation
from fer_core.training.batches import training_batches
from fer_core.training.distillation import with_teacher_targets
from tests.training.in_process import go_on, interrupted, trained

pytestmark = pytest.mark.usefixtures("small_model")


@pytest.fixture
def config(workspace: Path) -> TrainConfig:
    draw_dataset("faces", count=140)
    return TrainConfig(dataset="faces", batch_size=16, epochs=2, learning_rate=1e-3)


def answers(run: Run, pixels: np.ndarray) -> np.ndarray:
    """What a run's network answers to images and their mirror images, averaged."""
    model = load_model(run.model_file)
    return (predict(model, pixels) + predict(model, pixels[:, :, ::-1])) / 2


def test_a_target_is_what_the_teachers_answer_together_though_they_were_deleted(
    config: TrainConfig,
) -> None:
    names = ("sad", "surprise", "happy")  # in another order than theirs, and without the others
    teachers = [trained(replace(config, seed=seed)) for seed in (1, 2)]
    ids = tuple(teacher.id for teacher in teachers)
    pixels = open_data_of(teachers[0]).pixels
    known = [teacher.class_names.index(name) for teacher in teachers[:1] for name in ORDER]
    expected = [answers(teacher, pixels)[:, known] for teacher in teachers]
    expected = np.mean([each / each.sum(axis=1, keepdims=True) for each in expected], axis=0)
    run = create_run(replace(config, teachers=ids, distillation=1.0, class_names=names))
    for teacher in teachers:
        teacher.delete()
    data = with_teacher_targets(run, open_data_of(run))
    assert data.class_names == ORDER
    positions = data.positions("train")
    assert data.teacher_probabilities[positions] == pytest.approx(expected[positions], abs=1e-5)
    assert not data.teacher_probabilities[data.positions("val")].any()
    targets = np.concatenate([batch.targets for batch in training_batches(data, 0)])
    assert sorted(map(tuple, targets)) == sorted(map(tuple, data.teacher_probabilities[positions]))


ORDER = ("happy", "sad", "surprise")


def test_a_teacher_that_is_sure_of_what_the_run_does_not_learn_says_nothing(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = trained(replace(config, epochs=1))
    run = create_run(replace(config, teachers=(teacher.id,), class_names=("happy", "sad")))
    sure = np.eye(len(teacher.class_names), dtype="float32")[teacher.class_names.index("fear")]
    monkeypatch.setattr(
        distillation, "predict", lambda model, images: np.tile(sure, (len(images), 1))
    )
    data = with_teacher_targets(run, open_data_of(run))
    assert data.teacher_probabilities[data.positions("train")] == pytest.approx(0.5)


def test_teachers_are_asked_once_and_going_on_is_exact(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = trained(replace(config, seed=1))
    config = replace(config, teachers=(teacher.id,), epochs=3)
    whole = trained(config)
    run = interrupted(config, monkeypatch, epoch=0)
    monkeypatch.setattr(distillation, "_mean_probabilities", None)
    go_on(run)
    columns = ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert run.history[columns].equals(whole.history[columns])
    alone = trained(replace(config, teachers=()))
    assert not run.history["loss"].equals(alone.history["loss"])


@pytest.mark.parametrize("harm", [b"", b"\x93NUMPY", "others", "NaN"], ids=str)
def test_stored_predictions_that_are_damaged_are_computed_again(
    config: TrainConfig, harm: bytes | str
) -> None:
    teacher = trained(replace(config, epochs=1))
    run = create_run(replace(config, teachers=(teacher.id,)))
    expected = with_teacher_targets(run, open_data_of(run)).teacher_probabilities
    file = run.directory / "teachers" / "answers.npy"
    if isinstance(harm, bytes):
        file.write_bytes(harm)
    else:
        np.save(file, expected[1:] if harm == "others" else np.full_like(expected, np.nan))
    again = with_teacher_targets(run, open_data_of(run)).teacher_probabilities
    assert np.array_equal(again, expected)
    assert np.array_equal(np.load(file), expected)


def test_runs_that_cannot_be_teachers_are_refused_before_a_run_is_created(
    config: TrainConfig,
) -> None:
    few = trained(replace(config, class_names=("happy", "sad"), epochs=1))
    new = create_run(config)
    runs = sorted(new.directory.parent.iterdir())
    for teacher, sentence in [
        (few, "needs every expression.* lacks: angry, disgust, fear, surprise"),
        (new, "needs a model.*has none yet"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            create_run(replace(config, teachers=(teacher.id,)))
    with pytest.raises(ValueError, match="There is no run nobody"):
        create_run(replace(config, teachers=("nobody",)))
    assert sorted(new.directory.parent.iterdir()) == runs


def test_a_run_whose_teachers_weights_are_gone_says_so(config: TrainConfig) -> None:
    teacher = trained(replace(config, epochs=1))
    run = create_run(replace(config, teachers=(teacher.id,)))
    (run.teachers[0].directory / "model.keras").unlink()
    with pytest.raises(ValueError, match="needs the weights of its teacher"):
        go_on(run)
