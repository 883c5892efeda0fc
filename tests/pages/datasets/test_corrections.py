"""Leaving images out and relabelling them, on every page that shows a data set or a run of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import TextInput

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.registry import list_datasets, open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs.listing import list_runs
from pages.components.datasets import (
    browse,
    corrections_tab,
)
from tests.pages.conftest import PageOpener, RunFactory, press, rerun, text_of

pytestmark = pytest.mark.usefixtures("no_supervisor")


@pytest.fixture
def dataset(workspace: Path) -> Dataset:
    """140 drawn faces, nothing corrected yet."""
    return draw_dataset("faces", count=140)


@pytest.fixture
def corrected(dataset: Dataset) -> Dataset:
    """Three training images of angry left out, one happy one in validation called sad."""
    dataset.exclude(dataset.select("train", "angry")[:3], "blank *image*")
    dataset.relabel([int(dataset.select("val", "happy")[0])], "sad")
    return dataset


def tiles(page: AppTest, key: str = "faces-faces") -> list[dict]:
    """What the gallery with that key shows."""
    components = page.get("bidi_component")
    return json.loads([one.proto.json for one in components if key in one.proto.id][-1])["tiles"]


def table(page: AppTest, column: str) -> object:
    """The table with that column."""
    return next(each.value for each in page.dataframe if column in each.value)


@pytest.fixture
def one_face(open_page: PageOpener, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], AppTest]:
    """Opens the Data sets page with the face at a position large."""

    def open_face(position: int) -> AppTest:
        def pressed(tiles: object, key: str, **_: object) -> int | None:
            return position if key.startswith("faces-") else None

        monkeypatch.setattr(browse, "gallery", pressed)
        return open_page("datasets", dataset="faces")

    return open_face


def why(page: AppTest) -> TextInput:
    """The field for the reason."""
    return next(field for field in page.text_input if field.label == "Reason for excluding it")


def expressions(page: AppTest) -> object:
    """The choice of an expression for the large face."""
    return next(each for each in page.get("button_group") if each.label == "Expression")


# One face


def test_an_image_is_excluded_with_a_reason_and_restored(
    dataset: Dataset, one_face: Callable[[int], AppTest]
) -> None:
    page = one_face(5)
    next(field for field in page.text_input if field.label == "Reason for excluding it").set_value(
        "dark"
    )
    press(page, "Exclude")
    assert open_dataset("faces").saved_corrections.excluded == {dataset.keys([5])[0]: "dark"}
    assert [each.value for each in page.warning] == ["Excluded: dark"]
    press(page, "Restore original")
    assert len(dataset.saved_corrections) == 0 and not page.warning


def test_an_exclusion_without_a_reason_gets_a_default_one(
    dataset: Dataset, one_face: Callable[[int], AppTest]
) -> None:
    press(one_face(5), "Exclude")
    assert list(dataset.saved_corrections.excluded.values()) == ["by hand"]


def test_an_image_is_relabeled_and_restored(
    dataset: Dataset, one_face: Callable[[int], AppTest]
) -> None:
    position = int(dataset.select("train", "happy")[0])
    page = one_face(position)
    expressions(page).set_value("sad")
    rerun(page)
    assert dataset.saved_corrections.relabeled == {dataset.keys([position])[0]: "sad"}
    assert "happy → **sad**" in text_of(page)
    expressions(page).set_value("happy")
    rerun(page)
    assert len(dataset.saved_corrections) == 0 and "→" not in text_of(page)


def test_a_reason_that_is_too_long_is_refused_in_a_toast(
    dataset: Dataset, one_face: Callable[[int], AppTest]
) -> None:
    page = one_face(5)
    why(page).set_value("x" * 300)
    press(page, "Exclude")
    assert "at most 200 characters" in page.toast[0].value
    assert len(dataset.saved_corrections) == 0


def test_correcting_a_deleted_dataset_shows_a_toast(
    dataset: Dataset, one_face: Callable[[int], AppTest]
) -> None:
    page = one_face(5)
    draw_dataset("other", count=70)
    dataset.delete()
    press(page, "Exclude")
    assert "was deleted" in page.toast[0].value
    assert [each.name for each in list_datasets()] == ["other"]


# The Data sets page


def test_the_gallery_marks_corrected_images(corrected: Dataset, open_page: PageOpener) -> None:
    page = open_page("datasets", dataset="faces")
    page.selectbox(key="correction-faces").set_value("Excluded")
    shown = tiles(rerun(page))
    assert (
        sorted(tile["number"] for tile in shown) == corrected.select("train", "angry")[:3].tolist()
    )
    assert all(tile["faded"] and tile["label"] == "angry" for tile in shown)
    page.selectbox(key="correction-faces").set_value("Relabeled")
    (tile,) = tiles(rerun(page))
    assert (tile["label"], tile["faded"]) == ("happy → sad", False)
    page.segmented_control(key="split-faces").set_value("test")
    assert tiles(rerun(page)) == []
    corrected.restore(range(140))
    assert "correction-faces" not in [box.key for box in rerun(page).selectbox]
    assert len(tiles(page)) == 14 and not any(tile["faded"] for tile in tiles(page))


def test_counts_are_shown_with_and_without_corrections(
    corrected: Dataset, open_page: PageOpener
) -> None:
    page = open_page("datasets", dataset="faces")
    assert "3 images excluded, 1 relabeled" in text_of(page)
    numbers = table(page, "Training")
    expected = {"Training": 13, "Validation": 2, "Test": 2, "Total": 17, "Original total": 20}
    assert numbers.loc["angry"].to_dict() == expected
    assert numbers.loc["sad", "Validation"] == 3
    assert numbers.loc["total", ["Total", "Original total"]].tolist() == [137, 140]
    page.segmented_control(key="counted-faces").set_value("Original")
    numbers = table(rerun(page), "Training")
    assert numbers.loc["total"].to_dict() == {
        "Training": 112, "Validation": 14, "Test": 14, "Total": 140,
    }  # fmt: skip


def test_a_dataset_without_remaining_images_is_shown(
    dataset: Dataset, open_page: PageOpener
) -> None:
    dataset.exclude(range(140), "all")
    assert "All images are excluded." in text_of(open_page("datasets", dataset="faces"))
    assert "Images with corrections: Training 0 instead of 112" in text_of(
        open_page("train", dataset="faces")
    )


def test_corrections_are_listed_and_can_all_be_undone(
    corrected: Dataset, open_page: PageOpener
) -> None:
    page = open_page("datasets", dataset="faces")
    rows = table(page, "Correction")
    assert rows.iloc[0][["Original label", "Correction", "Reason"]].tolist() == ["happy", "sad", ""]
    assert rows["Correction"].tolist()[1:] == ["excluded"] * 3
    assert set(rows["Reason"][1:]) == {"blank *image*"}
    press(page, "Remove all corrections")
    assert len(corrected.saved_corrections) == 0
    assert "No corrections yet" in text_of(page)


def test_only_the_newest_of_many_corrections_are_listed(
    dataset: Dataset, open_page: PageOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections_tab, "_MAX_ROWS", 2)
    for position, reason in enumerate(("first", "second", "third")):
        dataset.exclude([position], reason)
    page = open_page("datasets", dataset="faces")
    assert table(page, "Correction")["Reason"].tolist() == ["third", "second"]
    assert "Showing the latest 2 of 3. Download the file for all." in text_of(page)


def test_undoing_damaged_corrections_shows_a_toast(
    corrected: Dataset, open_page: PageOpener
) -> None:
    page = open_page("datasets", dataset="faces")
    (corrected.directory / "overlay.csv").write_text("nonsense")
    press(page, "Remove all corrections")
    assert "is damaged" in page.toast[0].value


def test_a_corrections_file_is_imported(corrected: Dataset, open_page: PageOpener) -> None:
    file = corrected.saved_corrections.to_csv().encode()
    draw_dataset("again", count=140)
    page = open_page("datasets", dataset="again")
    page.file_uploader[0].set_value([("corrections.csv", file, "text/csv")])
    press(page, "Import corrections")
    assert (
        open_dataset("again").saved_corrections.corrections
        == corrected.saved_corrections.corrections
    )
    assert page.toast[0].value == "4 corrections imported."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"path,row,what,expression,reason\nnobody.png,,exclude,,x\n", "starting with nobody.png"),
        (b"\xff\xfe", "corrections.csv must be a UTF-8 text file"),
        (b"", "The table of corrections is empty"),
    ],
)
def test_an_invalid_corrections_file_is_refused(
    corrected: Dataset, open_page: PageOpener, content: bytes, sentence: str
) -> None:
    before = corrected.saved_corrections
    page = open_page("datasets", dataset="faces")
    page.file_uploader[0].set_value([("corrections.csv", content, "text/csv")])
    press(page, "Import corrections")
    assert sentence in page.error[0].value
    assert corrected.saved_corrections == before
    press(page, "Import corrections")  # without a file
    assert corrected.saved_corrections == before


def test_damaged_corrections_do_not_break_the_pages(
    dataset: Dataset, open_page: PageOpener, one_face: Callable[[int], AppTest]
) -> None:
    (dataset.directory / "overlay.csv").write_text("nonsense")
    page = open_page("datasets", dataset="faces")
    (error,) = page.error
    assert "overlay.csv is damaged" in error.value and "repaired or removed" in error.value
    assert len(tiles(page)) == 40
    assert "is damaged" in one_face(5).error[0].value
    page = open_page("train", dataset="faces")
    assert "is damaged" in page.error[0].value
    press(page, "Start training")
    assert [run.config.overlay for run in list_runs()] == [False]


def test_deleting_a_dataset_warns_about_its_corrections(
    corrected: Dataset, open_page: PageOpener
) -> None:
    assert "Its corrections are deleted too (3 images excluded, 1 relabeled)" in text_of(
        open_page("datasets", dataset="faces")
    )


def test_the_whole_page_follows_a_correction(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing the large face runs the gallery alone: it has the page shown anew."""
    dataset.exclude([0], "blank")
    runs: list[bool] = []
    monkeypatch.setattr("streamlit.rerun", lambda: runs.append(True))

    def page() -> None:
        from fer_core.datasets.corrections import Corrections
        from fer_core.datasets.registry import open_dataset
        from pages.components.datasets.browse import show_faces

        show_faces(open_dataset("faces"), Corrections())

    rerun(AppTest.from_function(page, default_timeout=120))
    assert runs == [True]


# Training


def use_corrections(page: AppTest) -> AppTest:
    next(box for box in page.checkbox if box.label == "Use corrections").set_value(True)
    return page


def test_the_training_form_has_no_checkbox_without_corrections(
    dataset: Dataset, open_page: PageOpener
) -> None:
    page = open_page("train", dataset="faces")
    assert "Use corrections" not in [box.label for box in page.checkbox]
    press(page, "Start training")
    assert [run.config.overlay for run in list_runs()] == [False]


def test_a_run_with_corrections_says_so(corrected: Dataset, open_page: PageOpener) -> None:
    page = open_page("train", dataset="faces")
    sentence = (
        "3 images excluded, 1 relabeled. Images with corrections: Training 109 instead of 112."
    )
    assert sentence in text_of(page)
    assert "With corrections" not in text_of(page)
    press(use_corrections(page), "Start training")
    (run,) = list_runs()
    assert run.config.overlay
    corrected.restore(range(140))  # the run keeps its own
    told = "With corrections: 3 images excluded, 1 relabeled."
    assert told in text_of(open_page("train", run=run.id))


def test_corrections_are_not_used_by_default(corrected: Dataset, open_page: PageOpener) -> None:
    press(open_page("train", dataset="faces"), "Start training")
    (run,) = list_runs()
    assert not run.config.overlay
    assert "With corrections" not in text_of(open_page("train", run=run.id))


def test_a_class_without_training_images_is_refused(
    dataset: Dataset, open_page: PageOpener
) -> None:
    dataset.exclude(dataset.select("train", "fear"), "all")
    page = press(use_corrections(open_page("train", dataset="faces")), "Start training")
    assert "in faces with its corrections. None: fear" in page.error[0].value
    assert list_runs() == []


def test_the_runs_page_says_which_runs_used_corrections(
    corrected: Dataset, open_page: PageOpener, finished_run: RunFactory
) -> None:
    run, lost = finished_run(), finished_run()
    for each in (run, lost):
        settings = replace(each.config, overlay=True).to_dict()
        (each.directory / "config.json").write_text(json.dumps(settings))
    (run.directory / "overlay.csv").write_text(corrected.saved_corrections.to_csv())
    finished_run()
    page = open_page("runs")
    page.session_state[page.dataframe[0].key] = {"selection": {"rows": [0, 1, 2]}}
    told = text_of(rerun(page))
    assert told.count("With corrections: 3 images excluded, 1 relabeled.") == 1
    assert told.count("are missing from its directory.") == 1


def test_the_pages_do_not_change_image_files(
    corrected: Dataset, one_face: Callable[[int], AppTest]
) -> None:
    def contents() -> dict[Path, bytes]:
        files = [path for path in corrected.directory.rglob("*") if path.is_file()]
        return {path: path.read_bytes() for path in files if path.name != "overlay.csv"}

    before = contents()
    press(one_face(5), "Exclude")
    assert len(corrected.saved_corrections) == 5 and len(before) > 140
    assert contents() == before


def test_the_augmentation_preview_uses_corrections(
    dataset: Dataset, open_page: PageOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = dataset.select("train").tolist()
    dataset.exclude([first], "blank")
    looked_at: list[int] = []
    image = Dataset.image
    monkeypatch.setattr(
        Dataset,
        "image",
        lambda self, position: (looked_at.append(position), image(self, position))[1],
    )
    page = press(open_page("train", dataset="faces"), "Show augmentation")
    assert first in looked_at
    looked_at.clear()
    press(use_corrections(page), "Show augmentation")
    assert looked_at and first not in looked_at


def test_a_label_can_be_confirmed_and_flagged_again_in_the_dialog(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page() -> None:
        from fer_core.datasets.registry import open_dataset
        from pages.components.shared.face_dialog import show_correction_form

        show_correction_form(open_dataset("faces"), 3)

    shown = rerun(AppTest.from_function(page, default_timeout=120))
    press(shown, "Confirm label")
    (key,) = dataset.keys([3])
    assert set(dataset.saved_corrections.confirmed) == {key} and len(dataset.saved_corrections) == 0
    assert "not listed as a label issue again" in text_of(shown)
    press(shown, "Flag this label again")
    assert not dataset.saved_corrections.confirmations


def test_confirmed_labels_are_counted_and_can_be_cleared(
    dataset: Dataset, open_page: PageOpener
) -> None:
    dataset.confirm([3, 5])
    page = open_page("datasets", dataset="faces")
    assert "2 labels confirmed" in text_of(page)
    assert [each for each in page.get("download_button") if "corrections" in each.proto.label]
