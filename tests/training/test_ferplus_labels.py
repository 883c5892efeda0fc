"""A run that learns FER+'s labels."""

import re
from dataclasses import replace

import pytest

from fer_core.__main__ import main
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.expressions import EXPRESSIONS
from fer_core.runs.config import TrainConfig
from fer_core.runs.listing import list_runs
from fer_core.runs.recipes import RECIPES
from fer_core.runs.submit import create_run
from tests.datasets.test_ferplus import voted_faces
from tests.training.in_process import trained

CONFIG = replace(
    RECIPES["ferplus"].config, dataset="faces", batch_size=16, epochs=1, average_views=False
)


@pytest.mark.usefixtures("small_model")
def test_a_run_learns_the_labels_of_the_votes_and_is_scored_by_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    dataset = voted_faces()
    run = trained(CONFIG)
    assert run.class_names == (*EXPRESSIONS, "contempt")
    predictions = run.predictions("val")
    labeled = dataset.with_ferplus_labels().index
    voted = labeled[labeled["split"] == "val"]
    assert predictions["expression"].tolist() == voted["expression"].tolist()
    other = trained(TrainConfig(dataset="faces", batch_size=16, epochs=1))
    capsys.readouterr()
    accuracies = []
    for each in (run, other):
        assert main(["evaluate", each.id, "--ferplus"]) == 0
        accuracies.append(re.findall(r"(\d+\.\d)% \(", capsys.readouterr().out))
    (own, by_votes), others = accuracies
    assert own == by_votes and len(others) == 2


def test_without_votes_nothing_is_queued() -> None:
    draw_dataset("faces", count=70)
    with pytest.raises(ValueError, match="need a dataset with FER.'s votes"):
        create_run(CONFIG)
    assert all(run.is_pretrained for run in list_runs())
