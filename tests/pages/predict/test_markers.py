"""Tests the markers, excluded ranges and baseline of a video on the Predict page."""

import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.inference.videos import Video, VideoSettings, submit_video
from fer_core.markers import Marker, TimeRange, read_annotations
from fer_core.tasks import supervisor, worker
from fer_core.tasks.exit_status import exit_file, exit_record
from fer_core.vision.images import encode
from tests.batches.characters import brightness_run, frame, write_clip
from tests.pages.predict.test_page import rerun

pytestmark = pytest.mark.usefixtures("no_supervisor")

SAD, HAPPY = 0.06, 0.96  # the model's probability of happy for either face


@pytest.fixture
def video(workspace: Path, tmp_path: Path) -> Video:
    """A processed film, 10 frames a second: sad for a second, away for 1.5, happy for a second."""
    frames = ["sad"] * 10 + [""] * 15 + ["happy"] * 10
    content = write_clip(tmp_path / "film.mp4", 0, frames).read_bytes()
    run = brightness_run()
    video = submit_video(run, io.BytesIO(content), "clip.mp4", VideoSettings(time_constant=0.0))
    attempt = supervisor.take(video)
    assert attempt is not None
    exit_file(attempt).write_text(exit_record(worker.work(video)))
    return video


@pytest.fixture
def page(video: Video, open_page: Callable[..., AppTest]) -> AppTest:
    page = open_page("predict")
    page.segmented_control[0].set_value("Video")
    return rerun(page)


def press(page: AppTest, label: str) -> None:
    next(one for one in page.button if one.label == label).click()
    rerun(page)


def said(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.info, page.error, page.warning)
    return "\n".join(element.value for kind in kinds for element in kind)


def add_table(page: AppTest, table: bytes) -> None:
    field = next(one for one in page.file_uploader if one.label.startswith("Markers or"))
    field.set_value([("marks.csv", table, "text/csv")])
    rerun(page)
    press(page, "Add from CSV")


def means(page: AppTest) -> pd.DataFrame:
    """The table around markers, indexed by person and period."""
    (table,) = [one.value for one in page.dataframe if "period" in one.value]
    return table.set_index(["person", "period"])


def test_markers_of_a_table_get_the_means_of_the_known_faces(page: AppTest, video: Video) -> None:
    add_table(page, b"file,time,label\nclip.mp4,0:01,leaves\nother.mp4,2,no\n")
    assert read_annotations(video.annotations_file).markers == (Marker(1.0, "leaves"),)
    found = means(page)["mean_happy"]
    assert found["1", "before"] == pytest.approx(SAD, abs=0.03)
    assert pd.isna(found["1", "after"])
    # Both tracks are one person, who is away in between.
    for track in (1, 2):
        page.checkbox(key=f"people-{video.id}-0-{track}").set_value(True)
    rerun(page)
    page.text_input(key=f"people-name-{video.id}").set_value("Ann")
    press(page, "Same person")
    found = means(page)["mean_happy"]
    assert found["Ann", "before"] == pytest.approx(SAD, abs=0.03)
    assert found["Ann", "after"] == pytest.approx(HAPPY, abs=0.03)
    assert "**Ann · Face 1**" in said(page)


def test_a_baseline_is_subtracted_and_said_to_be_and_ranges_are_left_out(
    page: AppTest, video: Video
) -> None:
    table = b"kind,time,start,end,label\n,3,,,now\nbaseline,,0,1,\n,,3,3.5,talks\n"
    add_table(page, table)
    page.checkbox(key=f"people-{video.id}-0-2").set_value(True)
    page.checkbox(key=f"people-{video.id}-0-1").set_value(True)
    rerun(page)
    press(page, "Same person")
    found = means(page)
    (person,) = {name for name, _ in found.index}
    assert found["frames"].tolist() == [5, 0, 5]
    assert found.loc[(person, "before"), "mean_happy"] == pytest.approx(HAPPY, abs=0.03)
    less = found.loc[(person, "before"), "mean_happy_minus_baseline"]
    assert less == pytest.approx(HAPPY - SAD, abs=0.05)
    assert set(found["baseline"]) == {"mean from 0:00 to 0:01"}
    assert "minus the baseline" in said(page) and "A baseline is subtracted" in said(page)
    summary = next(one.value for one in page.dataframe if "transitions" in one.value)
    assert summary["frames"].tolist() == [15]
    assert summary["mean_happy_minus_baseline"][0] == pytest.approx(
        summary["mean_happy"][0] - SAD, abs=0.03
    )
    press(page, "Remove baseline")
    assert "mean_happy_minus_baseline" not in means(page)


def test_the_baseline_may_be_a_photo_of_the_neutral_face(page: AppTest, video: Video) -> None:
    add_table(page, b"time,label\n3,now\n")
    page.segmented_control(key=f"baseline-way-{video.id}").set_value("Neutral photo")
    rerun(page)
    page.selectbox(key=f"baseline-person-{video.id}").set_value("2")
    photo = encode(frame(0, "sad"), "PNG")
    field = next(one for one in page.file_uploader if one.label.startswith("Photo of"))
    field.set_value([("calm.png", photo, "image/png")])
    rerun(page)
    press(page, "Set baseline")
    found = means(page)
    assert found.loc[("2", "after"), "baseline"] == "photo calm.png"
    less = found.loc[("2", "after"), "mean_happy_minus_baseline"]
    assert less == pytest.approx(HAPPY - SAD, abs=0.05)
    assert pd.isna(found.loc[("1", "after"), "mean_happy_minus_baseline"])
    assert found.loc[("1", "after"), "baseline"] == ""


def test_a_marker_is_added_by_hand_or_the_error_is_shown(page: AppTest, video: Video) -> None:
    page.text_input(key=f"marker-time-{video.id}").set_value("soon")
    page.text_input(key=f"marker-label-{video.id}").set_value(" smiles ")
    press(page, "Add marker")
    assert "Received: soon" in said(page)
    page.text_input(key=f"marker-time-{video.id}").set_value("0:02.5")
    press(page, "Add marker")
    assert read_annotations(video.annotations_file).markers == (Marker(2.5, "smiles"),)
    assert page.text_input(key=f"marker-label-{video.id}").value == ""
    add_table(page, b"start,end\n1,0\n")
    assert "Line 2" in said(page) and "from 1 to 0 s" in said(page)
    add_table(page, b"start,end,reason\n0,1,talks\n")
    assert read_annotations(video.annotations_file).excluded == (TimeRange(0.0, 1.0, "talks"),)


def test_damaged_marks_are_said_to_be_and_can_be_deleted(page: AppTest, video: Video) -> None:
    video.annotations_file.write_text('{"markers": [{"seconds": -1, "label": "x"}]}')
    rerun(page)
    assert "cannot be read" in said(page)
    assert len(page.get("plotly_chart")) == 2
    press(page, "Delete the markers, the baseline and the names")
    assert not video.annotations_file.exists()
    assert "cannot be read" not in said(page)
