"""Videos on the Predict page: given, watched, looked at."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.inference import videos
from fer_core.inference.videos import Video, VideoSettings, submit_video
from fer_core.runs.run import Run
from fer_core.tasks import exit_status, supervisor, worker
from fer_core.tasks.exit_status import exit_file, exit_record
from fer_core.tasks.task import Progress, TaskState
from tests.inference.synthetic_video import face_frames, gray_frames, write_film
from tests.pages.predict.test_page import rerun

pytestmark = pytest.mark.usefixtures("no_supervisor")


@pytest.fixture
def page(run: Run, open_page: Callable[..., AppTest]) -> AppTest:
    return choose_video(open_page("predict"))


def choose_video(page: AppTest) -> AppTest:
    page.segmented_control[0].set_value("Video")
    return rerun(page)


@pytest.fixture
def given(run: Run, tmp_path: Path) -> Callable[..., Video]:
    """Asks for a film to be looked at; nobody takes it."""

    def give(frames: Sequence[np.ndarray] | bytes, name: str = "clip.mp4") -> Video:
        path = tmp_path / "film.mp4"
        content = frames if isinstance(frames, bytes) else write_film(path, frames).read_bytes()
        return submit_video(run, io.BytesIO(content), name, VideoSettings(), "a network")

    return give


def do(video: Video) -> Video:
    """Does the task as the supervisor's child would."""
    attempt = supervisor.take(video)
    assert attempt is not None
    exit_file(attempt).write_text(exit_record(worker.work(video)))
    return video


def test_heatmaps_are_offered_for_photos_only(page: AppTest) -> None:
    assert page.toggle(key="grad-cam").disabled
    page.segmented_control[0].set_value("Files")
    assert not rerun(page).toggle(key="grad-cam").disabled


def button(page: AppTest, label: str):
    return next(one for one in page.button if one.label == label)


def said(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.info, page.error, page.warning)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_without_a_video_the_button_is_disabled(page: AppTest) -> None:
    assert button(page, "Process video").disabled
    assert "without sound" in said(page)
    assert not page.subheader


def test_a_video_is_submitted_with_the_chosen_options(page: AppTest, tmp_path: Path) -> None:
    content = write_film(tmp_path / "film.mp4", face_frames(3)).read_bytes()
    page.file_uploader[0].set_value([("My clip.mp4", content, "video/mp4")])
    next(one for one in page.number_input if one.label == "Process every Nth frame").set_value(3)
    rerun(page)
    button(page, "Process video").click()
    rerun(page)
    (video,) = videos.list_videos()
    assert video.state is TaskState.QUEUED
    assert video.source.read_bytes() == content
    assert (video.name, video.settings.every) == ("My clip.mp4", 3)
    assert video.settings.threshold > 0  # as is chosen above: of the answers 80 % shall be right
    assert button(page, "Process video").disabled  # the field is empty again
    assert page.get("progress")
    assert "My clip.mp4" in page.get("progress")[0].proto.text


def test_a_cancelled_video_disappears(page: AppTest, given) -> None:
    given(face_frames(3))
    rerun(page)
    button(page, "Stop processing").click()
    rerun(page)
    assert videos.list_videos() == []
    assert not page.subheader


def test_progress_shows_speed_and_remaining_time(page: AppTest, given, monkeypatch) -> None:
    video = given(face_frames(3))
    video.save_progress(Progress(120, 480, "frames", "120 of 480 frames", 31.4, 11.0))
    monkeypatch.setattr(Video, "state", TaskState.RUNNING)
    rerun(page)
    bar = page.get("progress")[0].proto
    assert bar.value == 25
    assert "120 of 480 frames · 31 frames a second · until " in bar.text


def test_a_processed_video_is_shown_with_its_faces_and_table(page: AppTest, given) -> None:
    do(given(face_frames(20, faces=2)))
    rerun(page)
    assert page.subheader[0].value == "Processed videos"
    assert "20 frames, 2 faces" in page.selectbox[1].options[0]
    assert "**20 frames** of 0:01, 320×240" in said(page)
    assert "Face 1" in said(page) and "Face 2" in said(page)
    assert len(page.get("plotly_chart")) == 2
    assert len(page.get("video")) == 1
    labels = [one.proto.label for one in page.get("download_button")]
    assert labels == ["Download annotated video", "Download table (CSV)"]


def test_a_result_can_be_deleted(page: AppTest, given) -> None:
    video = do(given(gray_frames(20)))
    page.session_state[f"deletion-{video.id}"] = True  # the question is opened
    rerun(page)
    button(page, "Delete permanently").click()
    rerun(page)
    assert videos.list_videos() == [] and not video.directory.exists()
    assert not page.subheader


def test_a_video_stays_when_a_newer_one_ends_which_a_button_shows(page: AppTest, given) -> None:
    do(given(gray_frames(20), name="first.mp4"))
    rerun(page)
    do(given(gray_frames(20), name="second.mp4"))
    rerun(page)
    assert "in the 20 frames of first.mp4" in said(page)
    next(one for one in page.button if one.label.startswith("Show second.mp4")).click()
    rerun(page)
    assert "in the 20 frames of second.mp4" in said(page)
    assert not any(one.label.startswith("Show ") for one in page.button)
    page.selectbox[1].set_value(videos.list_videos()[1].id)
    rerun(page)
    assert "in the 20 frames of first.mp4" in said(page)
    assert not any(one.label.startswith("Show ") for one in page.button)


def test_a_video_without_faces_has_no_chart(page: AppTest, given) -> None:
    do(given(gray_frames(20)))
    rerun(page)
    assert "No face was found in the 20 frames of clip.mp4" in said(page)
    assert not page.get("plotly_chart")
    assert len(page.get("video")) == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "it is empty"), (b"words", "it is none of MP4, MOV, WebM, MKV or AVI")],
)
def test_a_file_that_is_not_a_video_is_explained(
    page: AppTest, given, content: bytes, sentence: str
) -> None:
    do(given(content))
    rerun(page)
    assert f"clip.mp4 cannot be read as a video: {sentence}" in said(page)
    assert not page.get("download_button")


def test_an_interrupted_video_can_be_processed_again(page: AppTest, given) -> None:
    video = given(face_frames(3))
    attempt = supervisor.take(video)
    assert attempt is not None
    video.table_file.write_text("seconds,frame,face\n")
    exit_status.exit_file(attempt).write_text(exit_record(-9))
    rerun(page)
    assert "Processing clip.mp4 was interrupted. Its process was killed" in said(page)
    assert [one.proto.label for one in page.get("download_button")] == ["Download table (CSV)"]
    button(page, "Process again").click()
    rerun(page)
    assert video.state is TaskState.QUEUED


def test_a_partly_processed_video_says_how_far_it_goes(page: AppTest, given, monkeypatch) -> None:
    video = do(given(face_frames(30)))
    record = (video.directory / "result.json").read_text()
    (video.directory / "result.json").write_text(record.replace("completed", "stopped"))
    rerun(page)
    assert "Processing was stopped at 0:01; the results end there." in said(page)
    short = record.replace('"film_seconds": 1.2', '"film_seconds": 75.2')
    assert short != record
    (video.directory / "result.json").write_text(short)
    rerun(page)
    assert "The file ends at 0:01 instead of 1:15" in said(page)


def test_a_damaged_table_does_not_hide_the_video(page: AppTest, given) -> None:
    video = do(given(face_frames(30)))
    video.table_file.write_text("words")
    rerun(page)
    assert "must be a table of faces. It is damaged" in said(page)
    assert len(page.get("video")) == 1
