"""The tab of the Data sets page that shows what is wrong with the images."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from fer_core.datasets import quality
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.registry import open_dataset
from fer_core.tasks import queue, supervisor, worker
from fer_core.tasks.exit_status import error_file, exit_file, exit_record
from fer_core.tasks.task import Task, list_tasks
from pages.components.datasets import quality_cache
from pages.components.datasets.quality_tab import submit_scan
from tests.datasets.trees import write_tree
from tests.pages.conftest import text_of

PageOpener = Callable[..., AppTest]
TREE = {"train/happy": 20, "train/sad": 20, "val/happy": 4, "val/sad": 4, "test/sad": 4}

pytestmark = pytest.mark.usefixtures("no_supervisor")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """With two blank images, and one of training under another label in test."""
    root = write_tree(tmp_path / "faces", TREE)
    for name in ("train/happy/blank.png", "test/sad/blank.png"):
        Image.new("L", (16, 16), 9).save(root / name)
    (root / "test/sad/copy.png").write_bytes((root / "train/happy/003.png").read_bytes())
    return import_source(root, "faces")


def checked(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception, page.exception
    return page


def press(page: AppTest, label: str, key: str = "") -> AppTest:
    buttons = [one for one in page.button if one.label == label and key in (one.key or "")]
    (button,) = buttons
    button.click()
    return checked(page)


def progress_of(page: AppTest) -> list[str]:
    return [bar.proto.text for bar in page.get("progress")]


def findings_of(page: AppTest) -> list[str]:
    return [option for radio in page.radio if radio.label == "Findings" for option in radio.options]


def gallery_of(page: AppTest) -> dict:
    found = [
        json.loads(one.proto.json)
        for one in page.get("bidi_component")
        if "finding-faces" in one.proto.id
    ]
    return found[-1]


def begin() -> Path:
    (task,) = queue.waiting()
    attempt = supervisor.take(task)
    assert attempt is not None
    return attempt


def do_waiting() -> None:
    """Does the oldest task of the queue as the supervisor's child would."""
    attempt = begin()
    exit_file(attempt).write_text(exit_record(worker.work(Task(attempt.parent.parent))))


def looked_at(open_page: PageOpener) -> AppTest:
    page = open_page("datasets")
    press(page, "Scan images")
    do_waiting()
    return checked(page)


def test_a_scan_starts_only_on_request(open_page: PageOpener, dataset: Dataset) -> None:
    page = open_page("datasets")
    assert "A scan checks every image" in text_of(page)
    assert not queue.waiting()
    press(page, "Scan images")
    (task,) = queue.waiting()
    assert task.request is not None
    assert task.request.arguments == {"dataset": "faces", "faces": 0}
    assert progress_of(page) == ["Waiting in the queue …"]


def test_findings_are_listed_with_their_counts(open_page: PageOpener, dataset: Dataset) -> None:
    page = looked_at(open_page)
    assert not progress_of(page)
    assert findings_of(page) == [
        "Leaks: test in training · **2**",
        "Exact duplicates · **4**",
        "Exact duplicates, labels differ · **4**",
        "Blank · **2**",
    ]
    text = text_of(page)
    assert "Not found: Leaks: validation in training; " in text
    assert "Scanned 55 images on " in text
    assert (
        "**2** of 6 test images (33.3%), in 2 groups. Shown with the 2 images they duplicate"
        in text
    )


def test_duplicates_are_shown_in_groups_with_label_and_split(
    open_page: PageOpener, dataset: Dataset
) -> None:
    page = looked_at(open_page)
    shown = gallery_of(page)
    assert shown["groups"] == [0, 0, 1, 1]
    assert [tile["label"] for tile in shown["tiles"]] == [
        "sad · test",
        "happy · train",
        "sad · test",
        "happy · train",
    ]
    paths = dataset.index["path"].iloc[[tile["number"] for tile in shown["tiles"]]].tolist()
    assert sorted(paths[:2] + paths[2:]) == [
        "test/sad/blank.png",
        "test/sad/copy.png",
        "train/happy/003.png",
        "train/happy/blank.png",
    ]


def test_another_finding_shows_its_own_images(open_page: PageOpener, dataset: Dataset) -> None:
    page = looked_at(open_page)
    page.radio[0].set_value("blank")
    checked(page)
    shown = gallery_of(page)
    assert shown["groups"] is None
    names = dataset.index["path"].iloc[[tile["number"] for tile in shown["tiles"]]].tolist()
    assert sorted(names) == ["test/sad/blank.png", "train/happy/blank.png"]
    assert "**2** of 55 images (3.6%)." in text_of(page)


def test_many_images_are_shown_in_pages(
    open_page: PageOpener, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pages.components.datasets import finding_gallery

    monkeypatch.setattr(finding_gallery, "_PER_PAGE", 2)
    page = looked_at(open_page)
    first = [tile["number"] for tile in gallery_of(page)["tiles"]]
    (pages,) = [one for one in page.get("pagination") if "leak-train-test" in one.proto.id]
    assert pages.proto.num_pages == 2
    assert len(first) == 2


def test_the_table_for_download_holds_every_image_of_the_finding(
    open_page: PageOpener, dataset: Dataset
) -> None:
    looked_at(open_page)
    seen = quality.read_scan_result(dataset)
    assert seen is not None
    leak = quality.find_problems(seen, dataset.index)[0]
    text = quality.finding_table(leak, seen, dataset.index).to_csv(index=False)
    table = pd.read_csv(io.StringIO(text))
    assert table["split"].tolist() == ["test", "train"] * 2
    assert table["leave_out"].tolist() == [False, True] * 2


def test_a_dataset_without_findings_says_so(open_page: PageOpener, tmp_path: Path) -> None:
    import_source(write_tree(tmp_path / "faces", {"happy": 40, "sad": 40}), "faces")
    page = looked_at(open_page)
    assert "No problems found." in text_of(page)
    assert not findings_of(page)


def test_an_outdated_scan_is_not_shown(open_page: PageOpener, dataset: Dataset) -> None:
    page = looked_at(open_page)
    file = dataset.root / "train/happy/000.png"
    file.write_bytes((dataset.root / "train/happy/001.png").read_bytes())
    os.utime(file, ns=(2**62, 2**62))  # long after the look
    quality_cache._has_changed.clear()  # as after a minute
    checked(page)
    assert "Scan again to update" in text_of(page)
    assert not findings_of(page)
    press(page, "Scan again")
    os.utime(file)
    do_waiting()
    quality_cache._has_changed.clear()
    checked(page)
    assert "Exact duplicates · **6**" in findings_of(page)


def test_a_scan_can_be_stopped(open_page: PageOpener, dataset: Dataset) -> None:
    page = open_page("datasets")
    press(page, "Scan images")
    press(page, "Stop scan")
    assert not queue.waiting()
    assert not progress_of(checked(page))
    assert "A scan checks every image" in text_of(page)


def test_the_progress_of_a_scan_and_its_stopping_are_shown(
    open_page: PageOpener, dataset: Dataset
) -> None:
    page = open_page("datasets")
    press(page, "Scan images")
    attempt = begin()
    task = Task(attempt.parent.parent)
    from fer_core.tasks.task import Progress

    task.save_progress(Progress(10, 55, message="Looked at 10 of 55 images"))
    assert progress_of(checked(page)) == ["Looked at 10 of 55 images"]
    press(page, "Stop scan")
    assert progress_of(page) == ["Stopping …"]
    assert not [one for one in page.button if one.label == "Scan images"]


def test_the_error_of_a_failed_scan_is_shown_until_dismissed(
    open_page: PageOpener, dataset: Dataset
) -> None:
    page = open_page("datasets")
    press(page, "Scan images")
    attempt = begin()
    error_file(attempt).write_text("The disk must have room.")
    exit_file(attempt).write_text(exit_record(1))
    assert "The scan failed. The disk must have room." in text_of(checked(page))
    press(page, "Dismiss")
    assert "were not looked at" not in text_of(page)
    assert not list_tasks("examine")


def test_two_sessions_start_only_one_scan(dataset: Dataset) -> None:
    submit_scan("faces")
    with pytest.raises(ValueError, match="A scan of faces is running already"):
        submit_scan("faces", faces=5)
    assert len(queue.waiting()) == 1


def test_a_face_search_starts_only_on_request(open_page: PageOpener, dataset: Dataset) -> None:
    page = looked_at(open_page)
    (number,) = [one for one in page.number_input if one.label == "Images"]
    number.set_value(20)
    press(page, "Search for faces")
    (task,) = queue.waiting()
    assert task.request is not None
    assert task.request.arguments == {"dataset": "faces", "faces": 20}
    attempt = begin()
    from fer_core.datasets.quality.scan_task import search_faces

    search_faces(open_dataset("faces"), 20, lambda image: image.std() > 1, lambda *said: None)
    exit_file(attempt).write_text(exit_record(0))
    checked(page)
    search = quality.read_face_search(dataset)
    assert search is not None
    missed = int((~search.found).sum())
    assert (f"No face found · **{missed}**" in findings_of(page)) == bool(missed)


def test_a_damaged_scan_result_is_ignored(open_page: PageOpener, dataset: Dataset) -> None:
    page = looked_at(open_page)
    file = quality.scan_result_file(dataset)
    file.write_bytes(file.read_bytes()[:50])
    assert "A scan checks every image" in text_of(checked(page))


# Acting on it


def test_excluding_leaks_excludes_the_training_images(
    open_page: PageOpener, dataset: Dataset
) -> None:
    page = looked_at(open_page)
    press(page, "Exclude 2 images")
    overlay = dataset.saved_corrections
    assert {path for path, _ in overlay.excluded} == {
        "train/happy/003.png",
        "train/happy/blank.png",
    }
    assert set(overlay.excluded.values()) == {"Leaks: test in training"}
    assert findings_of(page) == ["Blank · **1**"]
    assert "**1** of 53 images" in text_of(page)
    assert not queue.waiting()  # nothing has to be looked at again


@pytest.fixture
def copied(tmp_path: Path) -> Dataset:
    """With a group of near duplicates of three labels, two alike, a pair, and flipped copies."""
    root = write_tree(tmp_path / "copied", {"train/happy": 4, "train/sad": 4, "val/happy": 2})
    rng = np.random.default_rng(0)
    majority, tie, alone = rng.integers(0, 150, (3, 32, 32), dtype=np.uint8)
    for name, pixels in {
        "train/happy/a0": majority,
        "train/happy/a1": majority + 30,
        "train/sad/a2": majority + 60,
        "train/happy/b0": tie,
        "train/sad/b1": tie + 40,
        "train/sad/c0": alone,
        "train/sad/c0_rot15": rng.integers(0, 150, (32, 32), dtype=np.uint8),
        "val/sad/c0_flip": rng.integers(0, 150, (32, 32), dtype=np.uint8),
    }.items():
        file = root / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
    return import_source(root, "copied")


@pytest.mark.parametrize(
    ("answer", "excluded", "left"),
    [
        ("majority", {"a1", "a2", "b0", "b1"}, "happy 5, sad 6"),
        ("none", {"a0", "a1", "a2", "b0", "b1"}, "happy 4, sad 6"),
    ],
)
def test_near_duplicates_of_different_labels_are_asked_about_before_one_of_each_stays(
    open_page: PageOpener, copied: Dataset, answer: str, excluded: set[str], left: str
) -> None:
    page = looked_at(open_page)
    page.radio[0].set_value("near")
    checked(page)
    (question,) = [one for one in page.radio if one.label == "Labels differ in 2 groups"]
    assert question.value is None
    (button,) = [one for one in page.button if one.label == "Exclude images"]
    assert button.disabled and not copied.saved_corrections
    question.set_value(answer)
    checked(page)
    assert f"Training images left: {left}." in text_of(page)
    press(page, f"Exclude {len(excluded)} images")
    assert {Path(path).stem for path, _ in copied.saved_corrections.excluded} == excluded


def test_augmented_copies_are_found_by_name_with_the_split_they_must_stay_in(
    open_page: PageOpener, copied: Dataset
) -> None:
    page = looked_at(open_page)
    page.radio[0].set_value("augmented")
    checked(page)
    labels = [tile["label"] for tile in gallery_of(page)["tiles"]]
    assert sorted(labels) == ["sad · train", "sad · train", "sad · val (must stay in train)"]
    assert gallery_of(page)["groups"] == [0, 0, 0]


def test_restored_images_are_a_finding_again(open_page: PageOpener, dataset: Dataset) -> None:
    page = looked_at(open_page)
    press(page, "Exclude 2 images")
    dataset.restore(range(dataset.images))
    assert "Leaks: test in training · **2**" in findings_of(checked(page))


def test_a_corrected_label_is_no_conflict(open_page: PageOpener, dataset: Dataset) -> None:
    page = looked_at(open_page)
    paths = dataset.index["path"].tolist()
    copied = [paths.index(f"train/happy/{name}.png") for name in ("003", "blank")]
    dataset.relabel(copied, "sad")
    checked(page)
    assert "Exact duplicates · **4**" in findings_of(page)
    assert not any("labels differ" in finding for finding in findings_of(page))
    labels = [tile["label"] for tile in gallery_of(page)["tiles"]]
    assert labels == ["sad · test", "sad · train"] * 2


def test_unreadable_corrections_do_not_break_the_quality_tab(
    open_page: PageOpener, dataset: Dataset
) -> None:
    page = looked_at(open_page)
    (dataset.directory / "overlay.csv").write_text("no, table")
    assert "Leaks: test in training · **2**" in findings_of(checked(page))
    press(page, "Exclude 2 images")
    assert "cannot" in text_of(page) or "must" in text_of(page)


def test_a_damaged_result_is_said_to_be_one_and_can_be_replaced(
    open_page: PageOpener, dataset: Dataset
) -> None:
    assert not open_page("datasets").warning
    quality.scan_result_file(dataset).parent.mkdir(exist_ok=True)
    quality.scan_result_file(dataset).write_bytes(b"PK")
    page = open_page("datasets")
    assert any("seen.npz" in warning.value for warning in page.warning)
    press(page, "Scan images")
    assert queue.waiting("examine")
