"""A run that validates on a fold trains on the others, says so, and resumes exactly."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.index import read_index, write_index
from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.errors import FerError
from fer_core.runs.config import TrainConfig
from fer_core.runs.listing import list_runs
from fer_core.runs.run import Run
from fer_core.runs.submit import check_data, create_run
from fer_core.training.test_split import open_test
from tests.training.in_process import go_on, interrupted, same, trained

pytestmark = pytest.mark.usefixtures("small_model")


def with_subjects(dataset: Dataset, names: list[str]) -> Dataset:
    """Says that the images are of these subjects, in turn."""
    index = read_index(dataset.directory)
    write_index(dataset.directory, index.assign(subject=np.resize(names, len(index))))
    return open_dataset(dataset.name)


@pytest.fixture
def dataset(workspace: Path) -> Dataset:
    return with_subjects(draw_dataset("faces", count=140), [f"S{n:02}" for n in range(9)])


@pytest.fixture
def config(dataset: Dataset) -> TrainConfig:
    config = TrainConfig(dataset=dataset.name, batch_size=16, epochs=2, learning_rate=1e-3)
    return replace(config, folds=3, fold=2)


def subjects_of(dataset: Dataset, predictions: pd.DataFrame) -> set[str]:
    index = dataset.stored_index.set_index("path")
    return set(index.loc[predictions["path"], "subject"])


def test_a_run_validates_on_the_subjects_of_its_fold_alone(
    config: TrainConfig, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = trained(config), interrupted(config, monkeypatch, epoch=0)
    assert same(go_on(cut), whole)
    found = [subjects_of(dataset, run.predictions("val")) for run in (whole, cut)]
    assert found[0] == found[1] and len(found[0]) == 3
    assert not whole.predictions("val")["seen_subject"].any()
    assert int(whole.counts[["train", "val"]].to_numpy().sum()) == 126
    assert whole.config.fold_unit == "subject"
    assert "3 subjects" in whole.fold_note and "6 subjects" in whole.fold_note
    open_test(whole)
    assert len(whole.predictions("test")) == 14


def test_a_run_does_not_go_on_when_its_folds_have_changed(
    config: TrainConfig, dataset: Dataset
) -> None:
    run = trained(replace(config, epochs=1))
    with_subjects(dataset, [f"T{n:02}" for n in range(7)])
    with pytest.raises(FerError):
        check_data(run)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"folds": 10}, "9 subjects"),
        ({"folds": 1, "fold": 1}, "folds=1"),
        ({"fold": 4}, "fold=4"),
        ({"fold": 0}, "fold=0"),
        ({"fold_unit": "group"}, "0 of 126"),
    ],
)
def test_impossible_folds_are_refused_before_anything_is_written(
    config: TrainConfig, changes: dict, told: str
) -> None:
    with pytest.raises(FerError, match=told):
        create_run(replace(config, **changes))
    assert not [run for run in list_runs() if not run.is_pretrained]


def test_a_run_of_before_there_were_folds_opens(config: TrainConfig) -> None:
    run = create_run(replace(config, folds=0, fold=0))
    file = run.directory / "config.json"
    settings = json.loads(file.read_text())
    for name in ("folds", "fold", "fold_unit", "fold_seed"):
        del settings[name]
    file.write_text(json.dumps(settings))
    assert Run(run.directory).config.validates_on is None
