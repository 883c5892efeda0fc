"""The page on which data sets are added and looked at."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.layouts import Choices
from fer_core.datasets.registry import list_datasets, open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs.run import Run
from fer_core.storage import paths
from fer_core.storage.files import write_json
from fer_core.tasks import kinds, queue, supervisor, worker
from fer_core.tasks import task as tasks
from fer_core.tasks.exit_status import exit_file, exit_record
from fer_core.tasks.processes import process_record
from fer_core.tasks.task import Task
from pages.components.datasets import browse as dataset_faces
from pages.components.shared.dataset_imports import (
    submit_drawn_dataset,
    submit_preview,
    submit_upload,
)
from pages.components.shared.formatting import format_run, plain
from tests.datasets.trees import write_image, write_tree
from tests.pages.conftest import text_of
from tests.tasks.requests import write_request

PageOpener = Callable[..., AppTest]
TREE = {"train/happy": 30, "train/sad": 3, "test/happy": 4, "test/sad": 2}


@pytest.fixture
def no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for stays in the queue until `do_waiting`."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "My faces", TREE)


def checked(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception, page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    (button,) = [button for button in page.button if button.label == label]
    button.click()
    return checked(page)


def progress_of(page: AppTest) -> list[str]:
    return [bar.proto.text for bar in page.get("progress")]


def tiles(page: AppTest, key: str) -> list[dict]:
    """What the gallery with that key shows."""
    components = page.get("bidi_component")
    found = [json.loads(one.proto.json) for one in components if key in one.proto.id]
    return found[-1]["tiles"]


def do_waiting() -> None:
    """Does the oldest task of the queue as the supervisor's child would."""
    (task,) = queue.waiting()
    attempt = supervisor.take(task)
    assert attempt is not None
    exit_file(attempt).write_text(exit_record(worker.work(task)))


def submit_import(source: Path, name: str) -> Task:
    directory = tasks.new_directory(paths.tasks_root(), kinds.IMPORT)
    return queue.submit(directory, kinds.IMPORT, {"source": str(source), "name": name})


def preview_and_add(page: AppTest) -> None:
    press(page, "Preview")
    do_waiting()
    checked(page)
    press(page, "Add the dataset")


# An empty machine


def test_an_empty_machine_says_what_to_do_and_draws_faces_with_one_click(
    open_page: PageOpener, no_supervisor: None
) -> None:
    page = open_page("datasets")
    assert "There are no datasets yet" in page.info[0].value
    press(page, "Draw schematic faces")
    assert "drawn-faces" in progress_of(page)[0]
    (task,) = queue.waiting()
    assert task.request is not None and task.request.kind == "draw"


# Adding


def test_a_folder_is_added_under_its_own_name(
    open_page: PageOpener, no_supervisor: None, source: Path
) -> None:
    page = open_page("datasets")
    page.text_input[0].set_value(f" {source} ")
    preview_and_add(page)
    assert progress_of(page)[0].startswith("Adding **My-faces**. Waiting in the queue")
    do_waiting()
    checked(page)
    assert page.query_params["dataset"] in ("My-faces", ["My-faces"])
    assert "Recognized one folder per expression: 2 classes" in text_of(page)
    assert f"The images stay in `{source}`" in text_of(page)
    assert not progress_of(page)


def test_the_splits_that_are_asked_for_are_drawn(
    open_page: PageOpener, no_supervisor: None, source: Path
) -> None:
    page = open_page("datasets")
    page.text_input[0].set_value(str(source / "train"))
    page.text_input[1].set_value("faces")
    settings = {number.label: number for number in page.number_input}
    settings["Test"].set_value(0.25)
    settings["Seed"].set_value(7)
    preview_and_add(page)
    do_waiting()
    dataset = open_dataset("faces")
    assert dataset.split_seed == 7
    assert dataset.counts().loc["happy"].to_dict() == {"train": 20, "val": 2, "test": 8}


@pytest.mark.parametrize(
    ("path", "name", "sentence"),
    [
        ("", "", "Enter the path of a folder or file"),
        ("/nowhere/at/all", "", "The source must be a folder"),
        (".", "no good name", "The name must be 1 to 64 letters"),
    ],
)
def test_what_cannot_be_added_is_refused_at_once(
    open_page: PageOpener, no_supervisor: None, path: str, name: str, sentence: str
) -> None:
    page = open_page("datasets")
    page.text_input[0].set_value(path)
    page.text_input[1].set_value(name)
    press(page, "Preview")
    assert sentence in page.error[0].value
    assert queue.waiting() == []


def test_an_import_that_fails_says_why_until_it_is_dismissed(
    open_page: PageOpener, no_supervisor: None, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    submit_import(tmp_path / "empty", "empty")
    page = open_page("datasets")
    do_waiting()
    checked(page)
    assert "**empty** was not added. The layout of empty is not recognized" in page.error[0].value
    press(page, "Dismiss")
    assert not page.error
    assert tasks.list_tasks() == []


def test_an_upload_is_added_and_not_kept_twice(open_page: PageOpener, no_supervisor: None) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for number in range(8):
            picture = io.BytesIO()
            Image.new("L", (16, 16), 20 * number).save(picture, "PNG")
            file.writestr(f"{('happy', 'sad')[number % 2]}/{number}.png", picture.getvalue())
    page = open_page("datasets")
    page.segmented_control(key="add-way").set_value("Upload")
    checked(page)
    page.file_uploader[0].set_value([("faces 8.zip", archive.getvalue(), "application/zip")])
    preview_and_add(page)
    (task,) = queue.waiting()
    do_waiting()
    checked(page)
    assert open_dataset("faces-8").images == 8
    assert not list(paths.tasks_root().rglob("*.zip"))
    assert tasks.list_tasks() == [task]
    assert "The images are stored in the workspace" in text_of(page)


def test_without_a_file_an_upload_is_refused(open_page: PageOpener, no_supervisor: None) -> None:
    page = open_page("datasets")
    page.segmented_control(key="add-way").set_value("Upload")
    checked(page)
    press(page, "Preview")
    assert "Choose a file first" in page.error[0].value


def test_more_can_be_added_beside_what_is_there(open_page: PageOpener) -> None:
    draw_dataset("faces", count=70)
    page = open_page("datasets")
    assert "Name" not in [field.label for field in page.text_input]
    # Here every rerun is a whole one, which closes the dialog: what is in it is shown above.
    press(page, "Add dataset")
    assert "Name" in [field.label for field in page.text_input]


def test_a_waiting_task_can_be_cancelled(open_page: PageOpener, no_supervisor: None) -> None:
    page = press(open_page("datasets"), "Draw schematic faces")
    press(page, "Stop drawing")
    assert queue.waiting() == []
    assert "There are no datasets yet" in page.info[0].value


def test_an_upload_that_is_stopped_before_it_begins_is_not_kept(
    open_page: PageOpener, no_supervisor: None
) -> None:
    task = submit_upload(io.BytesIO(b"path,expression"), "faces.csv", "faces")
    press(open_page("datasets"), "Cancel")
    assert not task.directory.exists()


def test_a_second_press_asks_for_a_name_of_its_own(no_supervisor: None, source: Path) -> None:
    first, second = submit_drawn_dataset("Faces", count=70), submit_drawn_dataset("faces", count=70)
    names = [task.request and task.request.arguments["name"] for task in (first, second)]
    assert names == ["Faces", "faces-2"]
    with pytest.raises(ValueError, match="is being added already"):
        submit_preview(source, "faces")
    first.cancel()
    assert submit_preview(source, "faces").state.is_active


def test_a_failure_that_another_tab_dismissed_can_be_dismissed(
    open_page: PageOpener, no_supervisor: None, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    task = submit_import(tmp_path / "empty", "empty")
    do_waiting()
    page = open_page("datasets")
    task.delete()
    press(page, "Dismiss")
    assert not page.error


def watch() -> None:
    """A page on which the only task waits."""
    from fer_core.tasks import task as tasks
    from pages.components.shared.dataset_imports import show_import_progress

    (task,) = tasks.list_tasks()
    show_import_progress(task)


def test_while_an_import_waits_somebody_is_there_to_take_it(
    no_supervisor: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit_drawn_dataset("faces", count=70)
    calls: list[bool] = []
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: calls.append(True))
    page = AppTest.from_function(watch, default_timeout=120)
    checked(page)
    assert calls == [True]
    do_waiting()
    checked(page)
    assert calls == [True]


def test_what_was_stopped_is_not_called_a_failure(
    open_page: PageOpener, no_supervisor: None, source: Path
) -> None:
    submit_import(source, "faces")
    submit_drawn_dataset("drawn", count=70)
    page = open_page("datasets")
    for task in queue.waiting():
        attempt = supervisor.take(task)
        assert attempt is not None
        write_json(attempt / "process.json", process_record())
    checked(page)
    press(page, "Stop adding")
    press(page, "Stop drawing")
    assert [text.split("**. ")[1] for text in progress_of(page)] == ["Stopping …"] * 2
    assert all(button.disabled for button in page.button if button.label.startswith("Stop"))
    for task in tasks.list_tasks():
        assert task.attempt is not None
        exit_file(task.attempt).write_text(exit_record(worker.work(task)))
    checked(page)
    assert {message.value for message in page.info} >= {
        "Adding **faces** was stopped, and nothing was added.",
        "Drawing **drawn** was stopped, and nothing was added.",
    }
    assert not page.error
    assert "was not added" not in text_of(page)


def watch_to_the_end(choose: bool) -> None:
    """A page on which the only task was seen at work before."""
    from functools import partial

    import streamlit as st

    from fer_core.tasks import task as tasks
    from pages.components.shared.dataset_imports import _announce
    from pages.components.shared.task_progress import TaskLabels, watch

    (task,) = tasks.list_tasks()
    was_active = not st.session_state.get("ended")
    st.session_state["ended"] = True
    watch(task, TaskLabels("Stop", "It failed."), was_active, partial(_announce, task, choose))


@pytest.mark.parametrize("choose", [True, False])
def test_what_was_added_is_chosen_only_where_that_is_wanted(
    no_supervisor: None, choose: bool
) -> None:
    submit_drawn_dataset("new", count=70)
    do_waiting()
    page = AppTest.from_function(watch_to_the_end, default_timeout=120, kwargs={"choose": choose})
    page.query_params["dataset"] = "old"
    checked(page)
    chosen = "new" if choose else "old"
    assert page.query_params["dataset"] in (chosen, [chosen])


def test_the_real_supervisor_draws_a_data_set_while_the_page_looks_on(
    open_page: PageOpener,
) -> None:
    page = open_page("datasets")
    page.segmented_control(key="add-way").set_value("Drawn faces")
    checked(page)
    page.number_input[0].set_value(70)
    press(page, "Draw faces")
    deadline = time.monotonic() + 120
    while not list_datasets():
        assert time.monotonic() < deadline, progress_of(page)
        checked(page)
        time.sleep(0.1)
    while progress_of(page):
        assert time.monotonic() < deadline
        checked(page)
    assert "70 schematic faces" in text_of(page)


# Looking


def test_a_data_set_is_shown_in_numbers_words_and_faces(
    open_page: PageOpener, source: Path
) -> None:
    import_source(source, "faces")
    page = open_page("datasets", dataset="faces")
    assert "happy has 13.5 times as many images as sad" in text_of(page)
    table = page.dataframe[0].value
    assert table.loc["happy"].to_dict() == {"Training": 27, "Validation": 3, "Test": 4, "Total": 34}
    assert len(page.get("plotly_chart")) == 1
    assert len(tiles(page, "faces-faces")) == 39
    assert [tile["label"] for tile in tiles(page, "means-faces")] == ["happy · 34", "sad · 5"]


def test_faces_are_filtered_paged_and_drawn_at_random(open_page: PageOpener) -> None:
    dataset = draw_dataset("faces", count=420)
    page = open_page("datasets", dataset="faces")
    drawn = [tile["number"] for tile in tiles(page, "faces-faces")]
    assert len(drawn) == 40
    press(page, "Shuffle")
    assert [tile["number"] for tile in tiles(page, "faces-faces")] != drawn
    press(page, "Original order")
    assert [tile["number"] for tile in tiles(page, "faces-faces")] == list(range(40))
    page.segmented_control(key="split-faces").set_value("test")
    page.selectbox(key="class-faces").set_value("sad")
    checked(page)
    shown = [tile["number"] for tile in tiles(page, "faces-faces")]
    assert shown == dataset.select("test", "sad").tolist()
    assert {tile["label"] for tile in tiles(page, "faces-faces")} == {"sad"}


def test_images_that_are_gone_leave_the_page_standing(open_page: PageOpener, source: Path) -> None:
    import_source(source, "gone")
    (source / "train/sad/000.png").unlink()
    page = open_page("datasets", dataset="gone")
    assert sum(not tile["image"] for tile in tiles(page, "faces-gone")) == 1


def test_images_that_come_back_are_shown_again(open_page: PageOpener, source: Path) -> None:
    import_source(source, "away")
    source.rename(source.with_name("elsewhere"))
    page = open_page("datasets", dataset="away")
    assert not any(tile["image"] for tile in tiles(page, "faces-away"))
    source.with_name("elsewhere").rename(source)
    checked(page)
    assert all(tile["image"] for tile in tiles(page, "faces-away"))


def test_a_damaged_data_set_is_named_beside_the_others(open_page: PageOpener) -> None:
    draw_dataset("faces", count=70)
    (draw_dataset("damaged", count=70).directory / "data_set.json").write_text("{")
    page = open_page("datasets")
    assert page.warning[0].value.startswith("damaged cannot be read")
    assert page.selectbox[0].options == ["faces"]


REMOTE = "![](https://example.org/x.png)"


def write_table(folder: Path, names: tuple[str, str]) -> Path:
    """A table of eight images, six of the first class."""
    write_tree(folder, {"images": 8})
    files = sorted((folder / "images").iterdir())
    rows = [f"images/{file.name},{names[number % 4 == 3]}" for number, file in enumerate(files)]
    (folder / "faces.csv").write_text("\n".join(["path,expression", *rows]), encoding="utf-8")
    return folder / "faces.csv"


def test_names_of_classes_are_no_markdown(
    open_page: PageOpener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_source(write_table(tmp_path / "table", (REMOTE, "sad")), "remote")
    monkeypatch.setattr(dataset_faces, "gallery", lambda tiles, key, **_: tiles[0].number)
    page = open_page("datasets", dataset="remote")
    texts = "\n".join(one.value for one in (*page.markdown, *page.caption))
    assert f"A model that always predicts {plain(REMOTE)}" in texts
    assert f"**{plain(REMOTE)}** · Training" in texts
    assert "![](" not in texts


def test_a_class_named_all_can_be_chosen(open_page: PageOpener, tmp_path: Path) -> None:
    import_source(write_table(tmp_path / "table", ("all", "sad")), "words")
    page = open_page("datasets", dataset="words")
    assert len(tiles(page, "faces-words")) == 8
    page.selectbox(key="class-words").set_value("all")
    checked(page)
    assert {tile["label"] for tile in tiles(page, "faces-words")} == {"all"}
    page.selectbox(key="class-words").select_index(0)
    checked(page)
    assert len(tiles(page, "faces-words")) == 8


def test_a_link_to_a_data_set_that_is_not_there_shows_another(
    open_page: PageOpener, source: Path
) -> None:
    import_source(source, "faces")
    page = open_page("datasets", dataset="../../etc")
    assert page.selectbox[0].value == "faces"


def test_deleting_is_confirmed_and_leaves_the_originals(
    open_page: PageOpener, source: Path
) -> None:
    import_source(source, "faces")
    draw_dataset("other", count=70)
    page = open_page("datasets", dataset="faces")
    assert "39 images in" in text_of(page) and "are not deleted" in text_of(page)
    press(page, "Delete dataset")
    assert [dataset.name for dataset in list_datasets()] == ["other"]
    assert len(list(source.rglob("*.png"))) == 39
    assert page.selectbox[0].value == "other"


def test_deleting_what_another_tab_deleted_is_no_error(open_page: PageOpener) -> None:
    dataset = draw_dataset("faces", count=70)
    page = open_page("datasets", dataset="faces")
    dataset.delete()
    press(page, "Delete dataset")
    assert "There are no datasets yet" in page.info[0].value


def ask_for(run: Run) -> None:
    write_request(run.directory)


def test_a_data_set_that_a_run_uses_is_not_deleted_and_the_run_is_named(
    open_page: PageOpener, new_run: Callable[..., Run], no_supervisor: None
) -> None:
    draw_dataset("faces", count=70)
    _, new = new_run(dataset="faces"), new_run(dataset="faces")
    ask_for(new_run(dataset="other"))
    page = open_page("datasets", dataset="faces")
    assert "2 runs were trained on it" in text_of(page)
    assert not page.warning
    (button,) = [button for button in page.button if button.label == "Delete dataset"]
    ask_for(new)  # after the page was shown
    button.click()
    checked(page)
    refusal = plain(
        f"faces cannot be deleted while a run uses it: {format_run(new)} is queued. "
        "Stop the run or wait until it has ended."
    )
    assert [message.value for message in page.error] == [refusal]
    assert open_dataset("faces").images == 70
    checked(page)
    assert [message.value for message in page.warning] == [refusal]
    (button,) = [button for button in page.button if button.label == "Delete dataset"]
    assert button.disabled
    new.cancel()
    checked(page)
    press(page, "Delete dataset")
    assert list_datasets() == []


def test_many_runs_that_use_a_data_set_are_counted(
    open_page: PageOpener, new_run: Callable[..., Run], no_supervisor: None
) -> None:
    draw_dataset("faces", count=70)
    for _ in range(5):
        ask_for(new_run(dataset="faces"))
    assert ", and 2 more. Stop the run" in open_page("datasets", dataset="faces").warning[0].value


def test_classes_that_are_numbers_are_shown(open_page: PageOpener, tmp_path: Path) -> None:
    folders = {f"train/{number}": 4 for number in range(8)}
    source = write_tree(tmp_path / "affect", folders)
    import_source(source, "affect", choices=Choices(numbering="free"))
    page = open_page("datasets", dataset="affect")
    assert page.dataframe[0].value.index.tolist() == [*"01234567", "total"]
    page.selectbox(key="class-affect").set_value("3")
    checked(page)
    assert {tile["label"] for tile in tiles(page, "faces-affect")} == {"3"}


def test_data_without_a_training_image_is_shown_with_what_that_means(
    open_page: PageOpener, tmp_path: Path
) -> None:
    import_source(write_tree(tmp_path / "test", {"test/happy": 3, "test/sad": 2}), "faces")
    page = open_page("datasets", dataset="faces")
    assert "There are no training images" in text_of(page)


def test_what_was_copied_in_is_said_to_go_with_the_data_set(open_page: PageOpener) -> None:
    draw_dataset("faces", count=70)
    page = open_page("datasets", dataset="faces")
    assert "and its 70 images" in text_of(page) and "in the workspace" in text_of(page)
    press(page, "Delete dataset")
    assert "There are no datasets yet" in page.info[0].value


def test_images_are_counted_and_filtered_by_subject(open_page: PageOpener, tmp_path: Path) -> None:
    for number in range(60):
        name = f"{('happy', 'sad')[number % 2]}/S{number // 6:03d}_001_{number:08d}.png"
        write_image(tmp_path / "lab" / name, number)
    dataset = import_source(tmp_path / "lab", "lab")
    page = open_page("datasets", dataset="lab")
    assert "10 subjects with 6 images each" in text_of(page)
    page.selectbox(key="subject-lab").set_value("S004")
    checked(page)
    shown = [tile["number"] for tile in tiles(page, "faces-lab")]
    assert set(dataset.index["subject"].iloc[shown]) == {"S004"} and len(shown) == 6
    undrawn = open_page("datasets", dataset=draw_dataset("drawn", count=70).name)
    assert not [box for box in undrawn.selectbox if box.label == "Subject"]
