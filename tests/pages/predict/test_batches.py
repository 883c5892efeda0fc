"""Batches on the Predict page: chosen, previewed, submitted, shown."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.batches import batch as batches
from fer_core.batches.batch import Batch, BatchSettings, submit_folder
from fer_core.inference.videos import VideoSettings
from fer_core.runs.run import Run
from fer_core.tasks import supervisor, worker
from fer_core.tasks.exit_status import exit_file, exit_record
from fer_core.tasks.task import TaskState
from fer_core.vision.images import encode
from tests.batches.characters import brightness_run, frame
from tests.pages.predict.test_page import rerun

pytestmark = pytest.mark.usefixtures("no_supervisor")


@pytest.fixture
def run(workspace: Path) -> Run:
    return brightness_run()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four photos of characters, and a text with the name of one."""
    folder = tmp_path / "study"
    (folder / "in").mkdir(parents=True)
    for number, expression in enumerate(("happy", "sad", "happy", "sad")):
        image = encode(frame(number % 3, expression), "PNG")
        (folder / "in" / f"{number}.png").write_bytes(image)
    (folder / "text.png").write_text("words")
    return folder


@pytest.fixture
def page(run: Run, open_page: Callable[..., AppTest]) -> AppTest:
    page = open_page("predict")
    page.segmented_control[0].set_value("Batch")
    return rerun(page)


def button(page: AppTest, label: str):
    return next(one for one in page.button if one.label == label)


def said(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.info, page.error, page.warning)
    return "\n".join(element.value for kind in kinds for element in kind)


def choose(page: AppTest, folder: str, table: bytes) -> None:
    page.text_input(key="batch-folder").set_value(folder)
    rerun(page)
    page.file_uploader[0].set_value([("clips.csv", table, "text/csv")])
    rerun(page)


def do(batch: Batch) -> None:
    attempt = supervisor.take(batch)
    assert attempt is not None
    exit_file(attempt).write_text(exit_record(worker.work(batch)))


def test_a_folder_and_its_table_are_previewed_and_submitted(page: AppTest, folder: Path) -> None:
    assert button(page, "Start batch").disabled
    table = b"file,participant\n0.png,P1\nin/1.png,P2\ngone.png,P3\n"
    choose(page, f' "{folder}" ', table)
    assert "0 videos, 5 photos" in said(page)
    assert "2 rows of 3 with a file; 3 files without a row" in said(page)
    assert "gone.png" in page.warning[0].value
    assert page.dataframe[0].value["found"].tolist() == [True, True, False]
    next(one for one in page.toggle if one.label.startswith("Only files that")).set_value(True)
    page.text_input(key="batch-patterns").set_value("*.png, x/*")
    rerun(page)
    button(page, "Start batch").click()
    rerun(page)
    (batch,) = batches.list_batches()
    assert batch.state is TaskState.QUEUED
    assert (batch.source, batch.table_file.read_bytes()) == (folder, table)
    assert batch.settings.patterns == ("*.png", "x/*")
    assert batch.settings.only_listed
    assert "study" in page.get("progress")[0].proto.text


def test_uploads_are_copied_and_the_fields_are_empty_again(page: AppTest, folder: Path) -> None:
    next(one for one in page.segmented_control if one.label == "Files from").set_value(
        "Upload files"
    )
    rerun(page)
    content = (folder / "in" / "0.png").read_bytes()
    page.file_uploader[0].set_value([("0.png", content, "image/png")] * 2)
    rerun(page)
    assert "0 videos, 2 photos" in said(page)
    button(page, "Start batch").click()
    rerun(page)
    (batch,) = batches.list_batches()
    assert {path.name for path in batch.uploads.iterdir()} == {"0.png", "0 (2).png"}
    assert button(page, "Start batch").disabled
    button(page, "Stop batch").click()
    rerun(page)
    assert batches.list_batches() == [] and not batch.directory.exists()


@pytest.mark.parametrize(
    "table", [b"file\n0.png\nin/0.png\n", b"file,start,end\n0.png,2,1\n", b"name\n0.png\n"]
)
def test_a_table_with_an_error_cannot_be_submitted(
    page: AppTest, folder: Path, table: bytes
) -> None:
    choose(page, str(folder), table)
    assert len(page.error) == 1
    assert button(page, "Start batch").disabled


def test_a_finished_batch_is_shown_with_its_plots_and_what_is_unreadable(
    page: AppTest, run: Run, folder: Path
) -> None:
    table = b"file,participant,condition\n" + b"".join(
        b"%d.png,P%d,%s\n" % (number, number, b"calm" if number < 2 else b"=loud")
        for number in range(4)
    )
    batch = submit_folder(run, folder, BatchSettings(VideoSettings(confidence=0.8)), table=table)
    do(batch)
    rerun(page)
    assert "5 of 5 files**, 1 unreadable" in said(page)
    assert "text.png" in said(page)
    assert "(calm: 2, =loud: 2)" in said(page).replace("\\", "")
    assert len(page.get("plotly_chart")) == 2
    summary = page.dataframe[0].value
    assert summary["share_happy"].tolist() == [1.0, 0.0, 1.0, 0.0]
    assert {one.label for one in page.get("download_button")} >= {
        "Download summary (CSV)",
        "Download summary (Parquet)",
        "Download all tables (.zip)",
    }
    assert not [one for one in page.button if one.label == "Resume batch"]


def test_an_interrupted_batch_is_resumed_by_a_button(page: AppTest, run: Run, folder: Path) -> None:
    batch = submit_folder(run, folder, BatchSettings())
    attempt = supervisor.take(batch)
    assert attempt is not None
    exit_file(attempt).write_text(exit_record(-9))
    rerun(page)
    assert "was interrupted" in said(page)
    button(page, "Resume batch").click()
    rerun(page)
    assert batch.state is TaskState.QUEUED
