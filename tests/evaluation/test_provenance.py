"""What stands beside every answer."""

from collections.abc import Callable

import pytest

from fer_core.evaluation.provenance import provenance_of
from fer_core.runs.run import Run
from fer_core.runs.writers import save_predictions
from tests.pages.conftest import finished_run, new_run, predictions

__all__ = ["finished_run", "new_run"]


def test_provenance_has_the_accuracy_of_an_opened_test_split(
    finished_run: Callable[..., Run],
) -> None:
    known = provenance_of(finished_run(opened=True))
    assert known.split == "test" and known.images == 700 and not known.tta
    record = known.record()
    assert record["accuracy"]["value"] == 0.5 and record["accuracy"]["images"] == 140
    assert record["accuracy"]["low"] < 0.5 < record["accuracy"]["high"]
    assert record["trained_on"] == "drawn" and record["training_images"] == 700
    assert record["accuracy_without_leaked_images"] is None


def test_provenance_says_nothing_about_a_sealed_test_split(
    finished_run: Callable[..., Run],
) -> None:
    known = provenance_of(finished_run())
    assert known.split == "val" and known.record()["accuracy"]["value"] == 0.6


def test_test_time_augmentation_has_its_own_accuracy(finished_run: Callable[..., Run]) -> None:
    run = finished_run()
    assert provenance_of(run, tta=True) == provenance_of(run)
    save_predictions(run, "val", predictions(140, 0.7), tta=True)
    known = provenance_of(run, tta=True)
    assert known.tta and known.record()["accuracy"]["value"] == 0.7
    assert provenance_of(run).record()["accuracy"]["value"] == 0.6


def test_provenance_counts_leaked_images(finished_run: Callable[..., Run]) -> None:
    run = finished_run()
    table = predictions(140, 0.6)
    save_predictions(run, "val", table.assign(leaked=table.index < 70))
    record = provenance_of(run).record()
    # Of the 84 right ones the first 70 are leaked.
    assert record["accuracy_without_leaked_images"]["value"] == pytest.approx(0.2)


def test_a_run_without_predictions_has_no_accuracy(new_run: Callable[..., Run]) -> None:
    known = provenance_of(new_run())
    assert known.score is None and known.images is None
    assert known.record()["accuracy"] is None
