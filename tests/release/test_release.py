"""A finished run becomes a pretrained model: half the size, the same answers, and a card."""

import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.evaluation.calibration import calibrate
from fer_core.evaluation.drift import training_stats_of
from fer_core.evaluation.metrics import accuracy
from fer_core.evaluation.provenance import read_card
from fer_core.inference.recognition import Classifier
from fer_core.models.architectures import build_model, load_model, save_model
from fer_core.release.__main__ import main
from fer_core.release.card import write_card
from fer_core.release.publish import publish_pretrained, to_float16
from fer_core.runs.commands import training_command
from fer_core.runs.config import Augmentation, TrainConfig
from fer_core.runs.listing import list_runs, open_run
from fer_core.runs.recipes import RECIPES
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from fer_core.storage import paths
from fer_core.tasks.task import TaskState
from fer_core.training.trainer import run_training


@pytest.fixture
def run(trained_run: Run) -> Run:
    return trained_run


def test_a_pretrained_model_is_a_finished_run_that_needs_no_data(run: Run, tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text("## What was tried\n\nNothing.")
    assert main([run.id, "tiny", "--title", "Tiny CNN", "--notes", str(notes)]) == 0
    shipped = open_run("tiny")
    open_dataset("faces").delete()
    run.delete()
    assert shipped.directory == paths.pretrained_root() / "tiny"
    assert [each.id for each in list_runs()] == ["tiny"] and open_run("tiny").name == "Tiny CNN"
    assert shipped.is_pretrained and shipped.state is TaskState.FINISHED
    assert "platform" not in shipped.environment and shipped.environment["keras"]
    assert shipped.config.recipe == "cnn_classic" and len(shipped.history) == 1
    assert len(shipped.test_openings) == 1
    for split in ("val", "test"):
        for averaged in (False, True):
            assert len(shipped.predictions(split, tta=averaged)) > 20
            calibration = shipped.calibration(tta=averaged)
            assert calibration == calibrate(shipped.predictions("val", tta=averaged))


def test_a_published_model_takes_half_the_space_and_answers_as_recorded(run: Run) -> None:
    before = run.model_file.stat().st_size
    shipped = publish_pretrained(run, "tiny", "Tiny CNN")
    assert shipped.model_file.stat().st_size < 0.55 * before
    dataset = open_dataset("faces")
    images = [dataset.image(position) for position in dataset.select("val")]
    answers = Classifier.load(shipped).predict(images)
    recorded = shipped.predictions("val").filter(regex="^p_").to_numpy()
    assert np.argmax(answers, axis=1).tolist() == np.argmax(recorded, axis=1).tolist()
    assert np.abs(recorded - run.predictions("val").filter(regex="^p_")).to_numpy().max() < 0.01


def test_halved_weights_load_as_float32_and_what_half_cannot_hold_stays(tmp_path: Path) -> None:
    model = build_model(RECIPES["cnn_residual"].config, 7)
    normalisation = next(
        layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)
    )
    normalisation.moving_variance.assign(normalisation.moving_variance * 1e6)
    save_model(model, tmp_path / "whole.keras")
    to_float16(tmp_path / "whole.keras", tmp_path / "half.keras")
    half = load_model(tmp_path / "half.keras")
    for one, other in zip(model.get_weights(), half.get_weights(), strict=True):
        assert other.dtype == one.dtype
        assert np.allclose(one, other, rtol=1e-3, atol=1e-6)
    shutil.unpack_archive(tmp_path / "half.keras", tmp_path / "half", "zip")
    kinds = set()
    with h5py.File(tmp_path / "half" / "model.weights.h5") as weights:
        weights.visititems(lambda _, item: kinds.add(str(getattr(item, "dtype", ""))))
    assert "float16" in kinds and "float32" in kinds


def test_the_card_tells_the_scores_the_command_and_what_it_is_not_for(run: Run) -> None:
    other = create_run(replace(run.config, seed=1))
    run_training(other)
    shipped = publish_pretrained(run, "tiny", "Tiny CNN", notes="## Speed\n\nQuick.", seeds=[other])
    card = read_card(shipped)
    assert card.startswith("# Tiny CNN\n")
    for words in ("is not an emotion", "Article\n5(1)(f)", "2 February 2025", "## Speed"):
        assert words in card
    for split in ("val", "test"):
        for averaged in (False, True):
            assert str(accuracy(shipped.predictions(split, tta=averaged))) in card
    assert f"without TTA: {shipped.calibration().temperature:.3f}" in card
    assert f"“not sure” (without TTA: {shipped.calibration().threshold:.1%}, with TTA: " in card
    assert training_stats_of(shipped) == training_stats_of(run)
    assert "(seed 0)" in card and "(seed 1)" in card and "standard deviation" in card
    assert training_command(run.config) in card
    assert read_card(run) == ""


def test_the_card_tells_what_the_run_goes_on_from(run: Run) -> None:
    before = publish_pretrained(run, "tiny", "Tiny CNN")
    following = create_run(replace(run.config, initial_run="tiny", epochs=2, learning_rate=1e-4))
    run_training(following)
    with pytest.raises(ValueError, match="must differ from that of the model"):
        publish_pretrained(following, "tiny", "Tiny CNN")
    card = read_card(publish_pretrained(following, "longer", "Tiny CNN"))
    assert "It starts from the weights of tiny (epochs: 1). " in card
    later = replace(following.config, initial_run="RUN")
    assert f"{training_command(run.config)}\n{training_command(later)}\n```" in card
    assert "RUN is the id of the run that the previous command creates." in card
    shutil.rmtree(before.directory)
    card = read_card(publish_pretrained(following, "longer", "Tiny CNN"))
    assert "It starts from the weights of tiny. " in card
    assert training_command(following.config) in card and "RUN is" not in card


def test_the_command_names_what_differs_from_the_recipe() -> None:
    config = replace(
        RECIPES["cnn_residual"].config,
        dataset="my faces",
        seed=3,
        average_views=False,
        class_names=("happy", "sad"),
        precision="mixed_bfloat16",
        augmentation=replace(RECIPES["cnn_residual"].config.augmentation, rotation=0.0),
    )
    assert training_command(config) == (
        "python -m fer_core train --dataset 'my faces' --recipe cnn_residual "
        "--precision mixed_bfloat16 --class-names happy sad --seed 3 --no-tta "
        "--rotation 0.0"
    )


def test_a_card_needs_predictions(workspace: Path) -> None:
    draw_dataset("faces", count=70)
    run = create_run(TrainConfig(dataset="faces", recipe="cnn_classic"))
    with pytest.raises(ValueError, match="has no predictions for a model card"):
        write_card(run, "None")


def test_only_a_finished_run_is_published(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_dataset("faces", count=70)
    run = create_run(TrainConfig(dataset="faces", recipe="cnn_classic"))
    assert main([run.id, "tiny", "--title", "Tiny"]) == 1
    assert "once the run has finished" in capsys.readouterr().err
    with pytest.raises(ValueError, match="The name must be .*Received: ../up"):
        publish_pretrained(run, "../up", "Tiny")
    assert not paths.pretrained_root().exists()


def test_an_augmentation_is_no_reason_for_another_command() -> None:
    config = replace(RECIPES["vgg19_dropout"].config, dataset="faces")
    assert training_command(config).endswith("--precision float32")
    bare = replace(config, augmentation=Augmentation())
    assert training_command(bare).endswith("--shear 0.0 --zoom 0.0 --no-flip")
