"""A run learns from the corrections that were there when it was asked for, and from no others."""

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.index import read_index, write_index
from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.models.architectures import load_model
from fer_core.release.publish import publish_pretrained
from fer_core.runs.commands import training_command
from fer_core.runs.config import TrainConfig
from fer_core.runs.listing import list_runs
from fer_core.runs.run import Run
from fer_core.runs.run_data import corrections_of, dataset_of, open_data_of, open_run_data
from fer_core.runs.submit import check_data, create_run, open_test_task, resume_run
from fer_core.tasks.task import TaskState
from fer_core.training.batches import training_batches
from fer_core.training.test_split import open_test
from tests.datasets.trees import write_fer2013
from tests.training.in_process import go_on, interrupted, trained

STEPS = {"train": 7, "val": 7, "test": 5}  # one of so many is left out

pytestmark = pytest.mark.usefixtures("small_model")


@pytest.fixture
def dataset(workspace: Path) -> Dataset:
    """140 drawn faces: 112 to train on, 14 to validate on, 14 to test on; some corrected."""
    dataset = draw_dataset("faces", count=140)
    for split, step in STEPS.items():
        dataset.exclude(dataset.select(split)[::step], "blank")
    return dataset


@pytest.fixture
def config(dataset: Dataset) -> TrainConfig:
    return TrainConfig(dataset="faces", batch_size=16, epochs=3, learning_rate=1e-3, overlay=True)


def weights(run: Run) -> list[np.ndarray]:
    assert run.model_file is not None
    model: keras.Model = load_model(run.model_file)
    return model.get_weights()


def test_excluded_images_are_in_no_batch_and_the_others_keep_their_pixels(
    config: TrainConfig, dataset: Dataset
) -> None:
    data, plain = open_run_data(config), open_run_data(replace(config, overlay=False))
    assert data.counts.sum().to_dict() == {"train": 96, "val": 12, "test": 11}
    assert plain.counts.sum().to_dict() == {"train": 112, "val": 14, "test": 14}
    for split, step in STEPS.items():
        places = dataset.select(split)
        assert data.positions(split).tolist() == np.delete(places, np.s_[::step]).tolist()
    assert data.pixels_key == plain.pixels_key
    assert sum(len(batch.images) for batch in training_batches(data, 0)) == 96


def test_relabelled_images_are_taught_with_their_new_expression(
    config: TrainConfig, dataset: Dataset
) -> None:
    position = int(dataset.select("train", "happy")[-1])
    dataset.relabel([position], "sad")
    data = open_run_data(config)
    assert data.class_names[data.labels(np.array([position]))[0]] == "sad"
    assert position in data.positions("train")


def test_a_run_that_does_not_ask_for_corrections_has_none(config: TrainConfig) -> None:
    run = create_run(replace(config, overlay=False))
    assert corrections_of(run) is None
    assert not (run.directory / "overlay.csv").exists()
    assert open_data_of(run).fingerprint == open_dataset("faces").fingerprint()


def test_a_run_of_an_older_version_has_none(config: TrainConfig) -> None:
    run = trained(replace(config, overlay=False, epochs=1))
    file = run.directory / "config.json"
    settings = json.loads(file.read_text())
    del settings["overlay"]
    file.write_text(json.dumps(settings))
    old = Run(run.directory)
    assert not old.config.overlay and not old.problem
    check_data(old)
    open_test(old)
    assert len(old.predictions("test")) == 14


def test_an_interrupted_run_goes_on_with_its_own_corrections_to_the_very_same_end(
    config: TrainConfig, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = trained(config)
    run = interrupted(config, monkeypatch, epoch=1)
    before = corrections_of(run)
    dataset.exclude(dataset.select("train")[1::8], "decided later")
    dataset.relabel([int(dataset.select("val")[5])], "sad")
    dataset.restore(dataset.select("train")[:30])
    assert dataset.saved_corrections != before and corrections_of(run) == before
    monkeypatch.setattr("fer_core.tasks.queue.submit", lambda *_: None)
    resume_run(run)
    go_on(run)
    result = run.result
    assert result is not None and result.remark == ""
    assert run.fingerprint == undisturbed.fingerprint
    for ours, theirs in zip(weights(run), weights(undisturbed), strict=True):
        assert np.array_equal(ours, theirs)
    open_test(run)
    assert len(run.predictions("test")) == 11
    assert run.counts.sum().to_dict() == {"train": 96, "val": 12, "test": 11}


def test_a_new_run_takes_the_corrections_of_then(config: TrainConfig, dataset: Dataset) -> None:
    first = create_run(config)
    dataset.exclude(dataset.select("train")[1:3], "decided later")
    second = create_run(config)
    assert len(corrections_of(first)) == 21 and len(corrections_of(second)) == 23
    assert dataset_of(first).fingerprint() != dataset_of(second).fingerprint()


def test_a_run_with_corrections_of_which_there_are_none_is_a_run_without(
    config: TrainConfig,
) -> None:
    draw_dataset("others", count=140)
    run = create_run(replace(config, dataset="others"))
    assert not corrections_of(run)
    assert open_data_of(run).fingerprint == open_dataset("others").fingerprint()


def test_the_images_may_still_not_change(config: TrainConfig, dataset: Dataset) -> None:
    run = trained(replace(config, epochs=1))
    dataset.delete()
    draw_dataset("faces", count=140, seed=1)
    with pytest.raises(ValueError, match="have changed since"):
        open_test_task(run)
    with pytest.raises(ValueError, match="have changed since"):
        open_test(run)


def test_a_run_that_lost_its_corrections_says_so(config: TrainConfig) -> None:
    run = trained(replace(config, epochs=1))
    (run.directory / "overlay.csv").unlink()
    with pytest.raises(ValueError, match="are missing from its directory"):
        open_test(run)
    with pytest.raises(ValueError, match="are missing from its directory"):
        check_data(run)


def test_a_class_that_loses_all_its_training_images_is_refused_when_it_is_asked_for(
    config: TrainConfig, dataset: Dataset
) -> None:
    dataset.exclude(dataset.select("train", "fear"), "all")
    dataset.relabel(dataset.select("train", "sad"), "angry")
    sentence = "must have training images in faces with its corrections. None: fear, sad"
    with pytest.raises(ValueError, match=sentence):
        create_run(config)
    assert list_runs() == []
    others = tuple(name for name in dataset.class_names if name not in ("fear", "sad"))
    data = open_data_of(create_run(replace(config, class_names=others)))
    assert data.class_names == others and (data.counts > 0).all(axis=None)


@pytest.mark.parametrize(("split", "where"), [("train", "in train"), ("val", "in val")])
def test_corrections_that_leave_no_split_to_learn_from_are_refused(
    config: TrainConfig, dataset: Dataset, split: str, where: str
) -> None:
    dataset.exclude(dataset.select(split), "all")
    with pytest.raises(ValueError, match=f"faces with its corrections has none {where}"):
        create_run(config)
    assert list_runs() == []


def test_damaged_corrections_are_refused_and_leave_no_run(
    config: TrainConfig, dataset: Dataset
) -> None:
    (dataset.directory / "overlay.csv").write_text("nonsense")
    with pytest.raises(ValueError, match=r"overlay\.csv is damaged"):
        create_run(config)
    assert list_runs() == []
    assert create_run(replace(config, overlay=False)).state is TaskState.CANCELLED


def test_corrections_reach_images_that_are_rows_of_a_table(workspace: Path, tmp_path: Path) -> None:
    table = import_source(write_fer2013(tmp_path / "fer2013.csv", per_usage=28), "fer")
    table.exclude(table.select("train")[:7], "blank")
    run = trained(TrainConfig(dataset="fer", epochs=1, overlay=True))
    assert run.counts["train"].sum() == 21


def test_a_run_with_corrections_ships_with_them_and_its_card_counts_them(
    config: TrainConfig, dataset: Dataset
) -> None:
    dataset.relabel([int(dataset.select("train")[30])], "sad")
    run = trained(replace(config, recipe="cnn_classic", epochs=1))
    shipped = publish_pretrained(run, "corrected", "Corrected")
    assert corrections_of(shipped) == corrections_of(run)
    assert len(shipped.predictions("test")) == 11
    card = (shipped.directory / "model_card.md").read_text()
    assert "Corrections: 21 images excluded, 1 relabeled" in card
    assert "--corrections" in training_command(shipped.config)


def test_predictions_mark_images_of_subjects_that_are_in_training(
    config: TrainConfig, dataset: Dataset
) -> None:
    assert "seen_subject" not in open_run_data(config).predictions("val", np.ones((12, 7)))
    index = read_index(dataset.directory)
    subject = ["anna" if split == "train" else "ben" for split in index["split"]]
    subject[int(dataset.select("val")[1])] = "anna"
    write_index(dataset.directory, index.assign(subject=subject))
    marked = open_run_data(config).predictions("val", np.ones((12, 7)))
    assert marked["seen_subject"].tolist() == [True] + [False] * 11
