"""The page that lists all runs."""

import time
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.runs.listing import list_runs
from fer_core.runs.records import Notes
from fer_core.runs.run import Run
from fer_core.storage.files import write_json
from fer_core.tasks.processes import process_record
from pages.components.shared.formatting import format_run
from tests.pages.conftest import PageOpener, RunFactory, rerun, take
from tests.tasks.requests import write_request


def choose(page: AppTest, *rows: int) -> AppTest:
    """Ticks rows of the table."""
    page.session_state[page.dataframe[0].key] = {"selection": {"rows": list(rows)}}
    return rerun(page)


def shown(page: AppTest) -> list[str]:
    """The ids in the table."""
    return page.dataframe[0].value["id"].tolist()


def chosen(page: AppTest) -> list[str]:
    """The ids of the runs whose curves can be downloaded, which are the chosen ones."""
    keys = [button.key for button in page.download_button]
    return [key.removeprefix("history-") for key in keys if key.startswith("history-")]


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
    assert "There are no runs yet" in page.info[0].value
    assert page.get("page_link")[0].proto.label == "Train a model"
    assert not page.dataframe


def test_the_table_shows_every_run_in_every_state(
    open_page: PageOpener, new_run: RunFactory, finished_run: RunFactory
) -> None:
    finished_run(opened=True)
    finished_run("vgg19_dropout", epochs=8)
    waiting = new_run()
    write_request(waiting.directory)
    table = open_page("runs").dataframe[0].value
    assert table["id"].tolist() == [run.id for run in list_runs()]
    assert sorted(table["state"]) == ["completed", "completed", "queued"]
    assert sorted(table["epochs"]) == ["0 of 50", "50 of 50", "8 of 8"]
    assert table["test"].dropna().tolist() == pytest.approx([50.0])
    assert sorted(table["duration"].dropna()) == [timedelta(minutes=4), timedelta(minutes=25)]


def test_accuracies_stand_with_interval_images_and_what_they_are_without_leaks(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run(opened=True)
    leaky = run.predictions("val")
    leaky["leaked"] = leaky.index < 40  # all of them right
    leaky.to_csv(run.predictions_file("val"), index=False)
    (row,) = open_page("runs").dataframe[0].value.to_dict("records")
    assert (row["val"], row["test"]) == pytest.approx((60, 50))
    assert row["val_range"] == "51.7 – 67.7 %, 140"  # Wilson's, of 84 of 140
    assert row["val_clean"] == pytest.approx(44)
    assert row["test_range"] == "41.8 – 58.2 %, 140"
    assert row["test_clean"] is None or np.isnan(row["test_clean"])


def test_model_exports_and_history_can_be_downloaded(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run("vgg19_dropout", epochs=8)
    (run.directory / "export").mkdir()
    (run.directory / "export" / "my_vgg19_dropout_model.h5").write_bytes(b"1234")
    labels = [button.label for button in choose(open_page("runs"), 0).download_button]
    files = ["model.keras, 1 KB", "my_vgg19_dropout_model.h5, 1 KB", "history.csv"]
    assert labels == [*files, "Report (HTML)", "Report (PDF)"]


def test_a_run_is_deleted_after_its_size_was_shown(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run(epochs=3)
    kept = finished_run("vgg19_dropout", epochs=2)
    page = open_page("runs")
    page = ask_to_delete(choose(page, 1 - shown(page).index(kept.id)))
    assert any("That frees **" in text.value for text in page.markdown)
    page = button(page, "Delete permanently")
    assert [run.id for run in list_runs()] == [kept.id]
    assert shown(page) == [kept.id]
    assert not page.get("plotly_chart")  # nothing is chosen any more


def test_a_run_that_trains_is_not_deleted(open_page: PageOpener, new_run: RunFactory) -> None:
    run = new_run()
    write_json(take(run) / "process.json", process_record() | {"started": time.time()})
    page = button(ask_to_delete(choose(open_page("runs"), 0)), "Delete permanently")
    assert "before you delete it" in page.error[0].value
    assert run.directory.exists()


def test_a_damaged_run_is_said_and_can_be_deleted(
    open_page: PageOpener, new_run: RunFactory
) -> None:
    run = new_run()
    (run.directory / "config.json").write_text("{")
    page = open_page("runs")
    assert "cannot be read" in page.warning[0].value
    button(ask_to_delete(page, run.id), "Delete permanently")
    assert not run.directory.exists()


@pytest.mark.parametrize("name", ["home", "datasets", "train", "evaluate", "predict"])
def test_a_damaged_run_breaks_no_page(
    open_page: PageOpener, new_run: RunFactory, finished_run: RunFactory, name: str
) -> None:
    finished_run()
    (new_run().directory / "config.json").write_text('{"architecture": "resnet"}')
    open_page(name)


def test_a_run_is_named_and_noted_and_called_so_everywhere(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run(epochs=3)
    page = choose(open_page("runs"), 0)
    page.text_input(key=f"name-{run.id}").set_value(" the *best* ")
    page.text_area[0].set_value("more dropout")
    page = button(page, "Save")
    assert page.dataframe[0].value[["name", "note"]].to_numpy().tolist() == [
        ["the *best*", "more dropout"]
    ]
    assert any("the \\*best\\*" in text.value for text in page.markdown)
    assert open_page("evaluate").selectbox[0].options == ["the *best*"]


def test_a_name_for_a_run_that_another_tab_deleted_is_refused(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    run = finished_run("vgg19_dropout", epochs=3)
    page = open_page("runs")
    page = choose(page, shown(page).index(run.id))
    page.text_input(key=f"name-{run.id}").set_value("gone")
    run.delete()
    page = button(page, "Save")
    assert page.error[0].value.endswith("was deleted, so its notes cannot be saved.")
    assert not rerun(page).error  # said once


def test_a_name_that_is_too_long_is_refused_and_not_lost(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run()
    page = choose(open_page("runs"), 0)
    page.text_input(key=f"name-{run.id}").set_value("x" * 10_000)
    page = button(page, "Save")
    assert "at most 100 characters" in page.error[0].value
    assert page.text_input(key=f"name-{run.id}").value == "x" * 10_000


def test_several_are_starred_and_found_by_it(
    open_page: PageOpener, new_run: RunFactory, finished_run: RunFactory
) -> None:
    finished_run(epochs=3)
    new_run()
    finished_run("vgg19_dropout", epochs=2)
    page = button(choose(open_page("runs"), 0, 2), "Star")
    assert page.dataframe[0].value["star"].tolist() == ["★", "", "★"]
    starred = [shown(page)[0], shown(page)[2]]
    page.segmented_control(key="runs-shelf").set_value("Starred")
    assert shown(rerun(page)) == starred
    page = button(choose(page, 0), "Unstar")
    assert shown(page) == starred[1:]


def test_what_is_archived_is_put_away_and_can_be_brought_back(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    kept, other = finished_run(epochs=3), finished_run("vgg19_dropout", epochs=2)
    page = open_page("runs")
    page = button(choose(page, shown(page).index(other.id)), "Archive")
    assert shown(page) == [kept.id]
    assert any("1 of 2 runs · 1 archived" in text.value for text in page.caption)
    assert len(open_page("evaluate").selectbox[0].options) == 1
    page.segmented_control(key="runs-shelf").set_value("Archived")
    assert shown(rerun(page)) == [other.id]
    page = button(choose(page, 0), "Unarchive")
    assert "No runs match." in page.info[0].value
    assert sorted(shown(button(page, "Show all runs"))) == sorted([kept.id, other.id])


@pytest.mark.parametrize(
    ("words", "found"),
    [("VGG19 best", 1), ("dropout", 1), ("drawn", 2), ("a long night", 1), ("nothing like it", 0)],
)
def test_words_find_runs_by_name_note_recipe_and_data_set(
    open_page: PageOpener, finished_run: RunFactory, words: str, found: int
) -> None:
    finished_run(epochs=3)
    finished_run("vgg19_dropout", epochs=2).save_notes(Notes("best", "took a long night"))
    page = open_page("runs")
    page.text_input(key="runs-search").set_value(words)
    page = rerun(page)
    assert (len(shown(page)) if found else len(page.dataframe)) == found


def test_runs_stay_chosen_while_others_come_and_filters_change(
    open_page: PageOpener, finished_run: RunFactory, new_run: RunFactory
) -> None:
    one, two = finished_run(epochs=3), finished_run("vgg19_dropout", epochs=2)
    page = choose(open_page("runs"), 0, 1)
    new = new_run("cnn_classic_wide")
    new.directory.rename(new.directory.with_name(f"99991231-000000_{new.id[16:]}"))
    page = rerun(page)
    assert len(shown(page)) == 3
    assert set(chosen(page)) == {one.id, two.id}
    page.multiselect(key="runs-filter-Recipe").set_value(["VGG19 + dropout"])
    page = rerun(page)
    assert shown(page) == chosen(page) == [two.id]
    page.multiselect(key="runs-filter-Recipe").set_value([])
    assert chosen(rerun(page)) == [two.id]


def test_a_filter_for_what_is_gone_hides_nothing(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    kept, gone = finished_run(epochs=3), finished_run("vgg19_dropout", epochs=2)
    page = open_page("runs")
    page.multiselect(key="runs-filter-Recipe").set_value(["VGG19 + dropout"])
    assert shown(rerun(page)) == [gone.id]
    gone.delete()
    assert shown(rerun(page)) == [kept.id]


def test_of_many_chosen_runs_the_files_of_a_few_are_offered(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    for _ in range(7):
        finished_run(epochs=2)
    page = choose(open_page("runs"), *range(7))
    assert len(page.get("download_button")) >= 10
    assert any("the other 2" in caption.value for caption in page.caption)
    page = button(ask_to_delete(page), "Delete permanently")
    assert list_runs() == []
    assert "There are no runs yet" in page.info[0].value


def test_runs_are_compared_before_their_files_and_one_run_after_them(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    for _ in range(2):
        finished_run()
    page = choose(open_page("runs"), 0, 1)
    assert page.subheader[-1].value == "Models and files"
    page = choose(page, 0)
    assert "Models and files" not in [heading.value for heading in page.subheader]


@pytest.mark.parametrize(
    ("folder", "spoken"),
    [
        ("20240301-090507_cnn_classic_faces", "Classic CNN on faces · 1 Mar 2024, 09:05:07"),
        ("20240301-090507_cnn_classic_faces-2", "Classic CNN on faces · 1 Mar 2024, 09:05:07 (2)"),
        ("mine", "Classic CNN on faces · mine"),
    ],
)
def test_a_run_without_a_name_is_called_by_recipe_data_set_and_time(
    new_run: RunFactory, folder: str, spoken: str
) -> None:
    run = new_run()
    config = replace(run.config, dataset="faces")
    write_json(run.directory / "config.json", config.to_dict())
    assert format_run(Run(run.directory.rename(run.directory.with_name(folder)))) == spoken
