"""The part of the Runs page that combines runs, and that shows what each of them adds."""

import shutil

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.ensembles import ensembles_in_progress
from fer_core.runs.run import Run
from fer_core.storage.files import write_json
from tests.pages.conftest import PageOpener, RunFactory, rerun
from tests.pages.runs.test_page import button, choose

MEMBER = {
    "name": "First",
    "model_sha256": "0" * 64,
    "dataset": "drawn",
    "fingerprint": "",
    "image_size": [48, 48],
    "channels": 1,
    "temperature": 1.2,
    "weight": 0.5,
    "correct": 80,
    "correct_without": 84,
    "only_with": 12,
    "only_without": 6,
    "p_value": 0.01,
}


def make_ensemble(run: Run) -> None:
    """Gives a run the record of an ensemble."""
    record = {
        "members": [MEMBER | {"run": "a"}, MEMBER | {"run": "b", "name": "Second"}],
        "weighting": "fitted",
        "images": 140,
        "correct": 90,
        "milliseconds": 12.3,
        "remark": "Not trained on the same images and splits: Second.",
        "made": "2026-11-28T12:00:00",
    }
    write_json(run.directory / "ensemble.json", record)
    config = run.config.to_dict() | {"architecture": "ensemble", "recipe": ""}
    write_json(run.directory / "config.json", config)
    shutil.rmtree(run.directory / "attempts")
    (run.directory / "history.csv").unlink()
    write_json(
        run.directory / "result.json",
        {
            "reason": "completed",
            "epochs": 0,
            "best_epoch": None,
            "val_loss": 1.0,
            "val_accuracy": 90 / 140,
        },
    )


def open_form(page: AppTest) -> AppTest:
    """Opens the form that combines the chosen runs."""
    page.session_state["ensemble"] = True
    return rerun(page)


@pytest.mark.usefixtures("no_supervisor")
def test_runs_that_do_not_fit_together_are_told_before_they_are_combined(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    other = finished_run()
    write_json(other.directory / "dataset.json", {"class_names": ["cat", "dog"], "counts": {}})
    page = open_form(choose(open_page("runs"), 0, 1))
    assert any("same expressions" in warning.value for warning in page.warning)
    assert next(each for each in page.button if each.label == "Combine").disabled
    assert not ensembles_in_progress()


@pytest.mark.usefixtures("no_supervisor")
def test_what_the_server_refuses_is_told(open_page: PageOpener, finished_run: RunFactory) -> None:
    finished_run(), finished_run()
    page = open_form(choose(open_page("runs"), 0, 1))
    assert not any("same expressions" in warning.value for warning in page.warning)
    page = button(page, "Combine")  # the dataset of both is not on this machine
    assert any("validation images" in error.value for error in page.error)
    assert not ensembles_in_progress()


def test_an_ensemble_tells_what_each_member_adds(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    make_ensemble(finished_run())
    page = choose(open_page("runs"), 0)
    table = page.dataframe[1].value
    assert table["member"].tolist() == ["First", "Second"]
    assert table["gain"].tolist() == pytest.approx([100 * 6 / 140] * 2)
    assert any("Not trained on the same" in warning.value for warning in page.warning)
    assert any("12.3 ms" in caption.value for caption in page.caption)
    assert page.dataframe[0].value["epochs"].tolist() == [""]
    assert not [link for link in page.get("page_link") if link.proto.label == "Watch"]
