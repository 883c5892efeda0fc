"""The page that lists all runs."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.files import write_json
from fer_core.processes import process_record
from fer_core.runs import list_runs
from tests.pages.conftest import PageOpener, RunFactory, rerun, take


def choose(page: AppTest, *rows: int) -> AppTest:
    """Ticks rows of the table."""
    page.session_state[page.dataframe[0].key] = {"selection": {"rows": list(rows)}}
    return rerun(page)


def shown(page: AppTest) -> list[str]:
    """The ids in the table."""
    return page.dataframe[0].value["id"].tolist()


def ask_to_delete(page: AppTest, key: str = "chosen") -> AppTest:
    """Opens what asks before it deletes."""
    page.session_state[f"deletion-{key}"] = True
    return rerun(page)


def button(page: AppTest, label: str) -> AppTest:
    """Presses a button."""
    next(button for button in page.button if button.label == label).click()
    return rerun(page)


def test_without_runs_the_page_says_what_to_do(open_page: PageOpener) -> None:
    page = open_page("runs")
    assert "Nothing has been trained yet" in page.info[0].value
    assert page.get("page_link")[0].proto.label == "Train a first run"
    assert not page.dataframe


def test_the_table_shows_every_run_in_every_state(
    open_page: PageOpener, new_run: RunFactory, finished_run: RunFactory
) -> None:
    finished_run(opened=True)
    finished_run("vgg19_dropout", epochs=8)
    waiting = new_run()
    request = {"kind": "train", "arguments": {}, "submitted": time.time()}
    write_json(waiting.directory / "request.json", request)
    table = open_page("runs").dataframe[0].value
    assert table["id"].tolist() == [run.id for run in list_runs()]
    assert sorted(table["state"]) == ["completed", "completed", "queued"]
    assert sorted(table["epochs"]) == ["0 of 50", "50 of 50", "8 of 8"]
    assert table["test"].dropna().tolist() == pytest.approx([50.0])
    assert sorted(table["minutes"].dropna()) == pytest.approx([4.0, 25.0])


def test_model_exports_and_history_can_be_downloaded(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run("vgg19_dropout", epochs=8)
    (run.directory / "export").mkdir()
    (run.directory / "export" / "my_vgg19_dropout_model.h5").write_bytes(b"1234")
    labels = [button.label for button in choose(open_page("runs"), 0).download_button]
    assert labels == ["model.keras, 1 KB", "my_vgg19_dropout_model.h5, 1 KB", "history.csv"]


def test_a_run_is_deleted_after_its_size_was_shown(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run(epochs=3)
    kept = finished_run("vgg19_dropout", epochs=2)
    page = open_page("runs")
    page = ask_to_delete(choose(page, 1 - shown(page).index(kept.id)))
    assert any("That frees **" in text.value for text in page.markdown)
    page = button(page, "Delete for good")
    assert [run.id for run in list_runs()] == [kept.id]
    assert shown(page) == [kept.id]
    assert not page.get("plotly_chart")  # nothing is chosen any more


def test_a_run_that_trains_is_not_deleted(open_page: PageOpener, new_run: RunFactory) -> None:
    run = new_run()
    write_json(take(run) / "process.json", process_record() | {"started": time.time()})
    page = button(ask_to_delete(choose(open_page("runs"), 0)), "Delete for good")
    assert "must be stopped before it is deleted" in page.error[0].value
    assert run.directory.exists()


def test_a_damaged_run_is_said_and_can_be_deleted(
    open_page: PageOpener, new_run: RunFactory
) -> None:
    run = new_run()
    (run.directory / "config.json").write_text("{")
    page = open_page("runs")
    assert "cannot be read" in page.warning[0].value
    button(ask_to_delete(page, run.id), "Delete for good")
    assert not run.directory.exists()


@pytest.mark.parametrize("name", ["home", "datasets", "train", "evaluate", "predict"])
def test_a_damaged_run_breaks_no_page(
    open_page: PageOpener, new_run: RunFactory, finished_run: RunFactory, name: str
) -> None:
    finished_run()
    (new_run().directory / "config.json").write_text('{"architecture": "resnet"}')
    open_page(name)
