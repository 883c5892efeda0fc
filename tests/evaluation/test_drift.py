"""How the training faces look: kept by training, or told by the data set."""

import numpy as np
import pytest

from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.evaluation.calibration import calibrate
from fer_core.evaluation.drift import training_stats_of
from fer_core.runs.run import Run
from fer_core.runs.writers import image_stats_file
from fer_core.storage import DamagedFileError, paths
from fer_core.vision.image_stats import measure_image


@pytest.fixture
def run(trained_run: Run) -> Run:
    return trained_run


def test_training_keeps_how_its_faces_look_and_the_data_set_tells_the_same(run: Run) -> None:
    kept = training_stats_of(run)
    dataset = open_dataset("faces")
    train = dataset.select("train")
    assert kept.images == len(train)
    means = [measure_image(dataset.image(position)).mean for position in train]
    assert kept.mean[50] == pytest.approx(np.median(means), abs=1)
    image_stats_file(run).unlink()
    assert training_stats_of(run) == kept
    dataset.exclude(train[:3].tolist(), "to see")
    assert training_stats_of(run) == kept  # the run does not use the corrections


def test_without_the_data_set_a_kept_survey_is_enough_and_nothing_else_is(run: Run) -> None:
    kept = training_stats_of(run)
    open_dataset("faces").delete()
    assert training_stats_of(run) == kept
    image_stats_file(run).unlink()
    with pytest.raises(ValueError, match="faces"):
        training_stats_of(run)


def test_another_data_set_of_that_name_tells_nothing(run: Run) -> None:
    image_stats_file(run).unlink()
    open_dataset("faces").delete()
    draw_dataset("faces", count=70)
    with pytest.raises(ValueError, match="faces has changed since the run was trained"):
        training_stats_of(run)


def test_a_damaged_record_is_said(run: Run) -> None:
    for text in ('{"images": 3}', "[]", "half of"):
        image_stats_file(run).write_text(text)
        with pytest.raises(DamagedFileError, match="appearance.json"):
            training_stats_of(run)


def test_pretrained_models_have_training_statistics_and_a_threshold() -> None:
    root = paths.PROJECT / "fer_core" / "pretrained"
    shipped = [Run(folder) for folder in root.iterdir() if (folder / "config.json").exists()]
    assert shipped
    for run in shipped:
        assert training_stats_of(run).images >= 1000
        for averaged in (False, True):
            calibration = run.calibration(tta=averaged)
            predictions = run.predictions("val", tta=averaged)
            assert calibration is not None and predictions is not None
            assert calibration.threshold == calibrate(predictions).threshold
