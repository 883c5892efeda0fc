"""From how sure on a run answers, whichever version trained it."""

from collections.abc import Callable

import pytest

from fer_core.evaluation.abstention import threshold_of
from fer_core.evaluation.calibration import abstention_threshold, save_calibration, with_temperature
from fer_core.runs.run import Run
from fer_core.storage.files import write_json
from fer_core.storage.reading import read_json
from tests.pages.conftest import finished_run, new_run

__all__ = ["finished_run", "new_run"]


def test_a_run_of_an_older_version_gets_its_threshold_from_its_predictions(
    finished_run: Callable[..., Run],
) -> None:
    run = finished_run()
    save_calibration(run)
    file = run.directory / "calibration.json"
    recorded = threshold_of(run)
    assert recorded == run.calibration().threshold and 0 < recorded <= 1
    record = read_json(file)
    del record["single"]["threshold"]
    write_json(file, record)
    assert run.calibration().threshold is None
    assert threshold_of(run) == pytest.approx(recorded)
    file.unlink()
    assert threshold_of(run) == abstention_threshold(run.predictions("val"))
    assert threshold_of(run) == abstention_threshold(with_temperature(run.predictions("val"), 1.0))


def test_without_predictions_there_is_no_threshold(finished_run: Callable[..., Run]) -> None:
    run = finished_run()
    save_calibration(run)
    assert threshold_of(run, tta=True) is None
    (run.directory / "calibration.json").unlink()
    run.predictions_file("val").write_text("half of")
    assert threshold_of(run) is None
    run.predictions_file("val").unlink()
    assert threshold_of(run) is None
