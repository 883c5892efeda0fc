"""What the Datasets page shows of a source before it is added, and lets people change."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.importing.preview import PROPOSAL
from fer_core.datasets.layouts import Choices
from fer_core.datasets.registry import list_datasets, open_dataset
from fer_core.storage.files import write_json
from fer_core.storage.reading import read_json
from fer_core.tasks import task as tasks
from pages.components.datasets import class_changes
from pages.components.shared.dataset_imports import submit_preview
from tests.datasets.trees import write_ck_plus, write_tree
from tests.pages.conftest import press, rerun, text_of, unfold
from tests.pages.datasets.test_page import do_waiting

PageOpener = Callable[..., AppTest]
pytestmark = pytest.mark.usefixtures("no_supervisor")


def preview(open_page: PageOpener, source: Path) -> AppTest:
    submit_preview(source, "faces")
    do_waiting()
    return open_page("datasets")


def field(page: AppTest, label: str) -> object:
    (found,) = [each for each in page.selectbox if each.label.startswith(label)]
    return found


def choose(page: AppTest, label: str, value: str) -> None:
    field(page, label).set_value(value)
    rerun(page)


def add(page: AppTest) -> None:
    press(page, "Add the dataset")
    do_waiting()
    rerun(page)


def is_open(page: AppTest) -> bool:
    (button,) = [button for button in page.button if button.label == "Add the dataset"]
    return button.disabled


def test_numbers_are_asked_about_and_added_as_chosen(open_page: PageOpener, tmp_path: Path) -> None:
    tree = {f"{number}": 3 + number for number in range(7)}
    page = preview(open_page, write_tree(tmp_path / "faces", tree))
    assert is_open(page) and "fit several numberings" in page.warning[0].value
    assert field(page, "3 · 6 images").value is None
    choose(page, "Class numbers", "fer+")
    assert field(page, "3 · 6 images").value == "sad"
    choose(page, "2 · 5 images", "contempt")
    assert not is_open(page)
    add(page)
    counts = open_dataset("faces").counts().sum(axis=1)
    assert counts["sad"] == 6 and counts["contempt"] == 5 and "surprise" not in counts
    assert open_dataset("faces").choices.numbering == "fer+"
    assert [task.request.kind for task in tasks.list_tasks() if task.request] == ["import"]


def test_two_classes_that_could_be_one_are_asked_about(
    open_page: PageOpener, tmp_path: Path
) -> None:
    source = write_tree(tmp_path / "faces", {"calm": 3, "neutral": 4, "happy": 2, "odd": 2})
    page = preview(open_page, source)
    assert is_open(page) and field(page, "neutral").value == "neutral"
    choose(page, "calm", "neutral")
    choose(page, "odd", "")
    assert not is_open(page)
    add(page)
    assert open_dataset("faces").counts().sum(axis=1).to_dict() == {"happy": 2, "neutral": 7}


def test_a_folder_that_tells_no_split_becomes_one_when_chosen(
    open_page: PageOpener, tmp_path: Path
) -> None:
    tree = {"one/happy": 4, "one/sad": 4, "two/happy": 2, "two/sad": 2}
    page = preview(open_page, write_tree(tmp_path / "faces", tree))
    choose(page, "sad", "angry")
    choose(page, "two · 4 images", "test")
    do_waiting()
    rerun(page)
    assert field(page, "two · 4 images").value == "test"
    assert field(page, "sad").value == "angry"
    choose(page, "two · 4 images", "val")
    add(page)
    counts = open_dataset("faces").counts()
    assert counts.to_dict() == {
        "train": {"angry": 4, "happy": 4},
        "val": {"angry": 2, "happy": 2},
    }


def test_persons_are_no_classes_unless_that_is_chosen(
    open_page: PageOpener, tmp_path: Path
) -> None:
    page = preview(open_page, write_tree(tmp_path / "faces", {"S005": 3, "S010": 3}))
    assert "neither expressions nor class numbers" in page.error[0].value
    assert not [button for button in page.button if button.label == "Add the dataset"]
    choose(page, "Layout", "any")
    do_waiting()
    rerun(page)
    assert field(page, "S010 · 3 images").value == "s010"
    press(page, "Cancel")
    assert list_datasets() == [] and tasks.list_tasks() == []


def test_how_many_frames_of_a_sequence_carry_its_label_is_asked(
    open_page: PageOpener, tmp_path: Path
) -> None:
    root = write_ck_plus(tmp_path / "faces", sequences=(3, 5), frames=6)
    page = preview(open_page, root)
    assert is_open(page) and "labeled sequences of up to 6 frames" in page.warning[0].value
    assert page.number_input(key=frames_key(page)).value is None
    page.number_input(key=frames_key(page)).set_value(3)
    rerun(page)
    do_waiting()
    rerun(page)
    page.checkbox[0].check()
    rerun(page)
    do_waiting()
    rerun(page)
    assert page.number_input(key=frames_key(page)).value == 3 and page.checkbox[0].value
    choose(page, "5 · 3 images", "sad")  # which keeps the frames
    assert not is_open(page)
    add(page)
    counts = open_dataset("faces").counts().sum(axis=1)
    assert counts.to_dict() == {"disgust": 3, "sad": 3, "neutral": 2}


def frames_key(page: AppTest) -> str:
    (field,) = [one for one in page.number_input if one.label == "Last frames of each sequence"]
    return str(field.key)


def test_another_column_can_be_the_label(open_page: PageOpener, tmp_path: Path) -> None:
    files = sorted((write_tree(tmp_path / "table", {"images": 4}) / "images").iterdir())
    rows = [f"images/{file.name},happy,{'sad' if file is files[0] else 'fear'}" for file in files]
    (tmp_path / "table/faces.csv").write_text("\n".join(["path,emotion,second", *rows]))
    page = preview(open_page, tmp_path / "table/faces.csv")
    choose(page, "Column of expressions", "second")
    do_waiting()
    rerun(page)
    add(page)
    assert open_dataset("faces").counts().sum(axis=1).to_dict() == {"fear": 3, "sad": 1}


def test_the_model_proposes_a_numbering_and_a_button_takes_it(
    open_page: PageOpener, tmp_path: Path
) -> None:
    table = tmp_path / "faces.csv"
    pixels = " ".join(map(str, np.arange(24 * 24) % 256))
    table.write_text("emotion,pixels\n" + "".join(f"{n % 7},{pixels}\n" for n in range(14)))
    submit_preview(table, "faces")
    do_waiting()
    (task,) = tasks.list_tasks()
    shares = {"fer2013": 0.12, "fer+": 0.71}
    write_json(task.directory / PROPOSAL, {"model": "CNN", "images": 14, "shares": shares})
    page = open_page("datasets")
    assert field(page, "Class numbers").value == "fer2013"
    assert "71%" in page.warning[0].value and "12%" in page.warning[0].value
    press(page, "Use FER+'s numbering")
    assert field(page, "0 · 2 images").value == "neutral"
    assert not page.warning
    add(page)
    assert open_dataset("faces").choices.numbering == "fer+"


@pytest.mark.parametrize("name", ["preview.json", "proposal.json", "request.json"])
def test_a_damaged_preview_can_be_discarded(
    open_page: PageOpener, tmp_path: Path, name: str
) -> None:
    submit_preview(write_tree(tmp_path / "faces", {"happy": 2, "sad": 2}), "faces")
    do_waiting()
    (task,) = tasks.list_tasks()
    file = (task.attempt if name == "request.json" else task.directory) / name
    file.write_text('{"layout_name": "none of ours"')
    page = open_page("datasets")
    if name != "request.json":  # that one belongs to no kind of task
        press(page, "Cancel")
        assert tasks.list_tasks() == []


def test_classes_of_a_dataset_are_changed_by_the_same_fields(
    open_page: PageOpener, tmp_path: Path
) -> None:
    source = write_tree(tmp_path / "faces", {f"train/{number}": 4 for number in range(7)})
    import_source(source, "faces", choices=Choices(numbering="fer2013", classes={"6": "calm"}))
    page = open_page("datasets", dataset="faces")
    assert not [each for each in page.selectbox if each.label == "0 · 4 images"]
    unfold(page, class_changes.OPEN)
    assert field(page, "0 · 4 images").value == "angry"
    assert field(page, "6 · 4 images").value == "calm"
    choose(page, "Class numbers", "affectnet")
    assert field(page, "6 · 4 images").value == "angry"
    choose(page, "1 · 4 images", "")
    press(page, "Change the dataset")
    do_waiting()
    rerun(page)
    dataset = open_dataset("faces")
    assert set(dataset.class_names) == {"neutral", "sad", "surprise", "fear", "disgust", "angry"}
    assert read_json(dataset.directory / "data_set.json")["choices"]["numbering"] == "affectnet"
    assert not [each for each in page.selectbox if each.label.startswith("1 ·")]
    assert "Added by" not in text_of(page)
