"""A video in a process of its own: looked at, stopped, killed, begun again."""

import signal
from pathlib import Path

import psutil
import pytest

from fer_core.__main__ import main
from fer_core.inference import videos
from fer_core.inference.video_io import VideoReader
from fer_core.inference.video_table import read_video_table
from fer_core.inference.videos import Video, VideoSettings, submit_video
from fer_core.models import architectures as models
from fer_core.runs.config import TrainConfig
from fer_core.runs.records import STOPPED
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from fer_core.storage.files import write_json
from fer_core.storage.reading import read_json
from fer_core.tasks.task import TaskState
from tests.inference.synthetic_video import face_frames, write_film
from tests.inference.test_recognition import brightness_model
from tests.processes.conftest import wait_until


@pytest.fixture
def run(workspace: Path) -> Run:
    run = create_run(TrainConfig(recipe="cnn_classic", dataset="tiny"))
    write_json(run.directory / "dataset.json", {"class_names": ("sad", "happy"), "counts": {}})
    models.save_model(brightness_model(), run.directory / "model.keras")
    return run


@pytest.fixture
def long_film(tmp_path: Path) -> Path:
    """Long enough to be stopped or killed in the midst of it: 2,000 frames."""
    return write_film(tmp_path / "long.mp4", face_frames(50) * 40)


def submit(run: Run, film: Path) -> Video:
    with film.open("rb") as file:
        return submit_video(run, file, film.name, VideoSettings())


def has_begun(video: Video) -> bool:
    return bool(video.progress and video.progress.done)


def test_a_video_is_looked_at_stopped_and_what_was_done_is_whole(run: Run, long_film: Path) -> None:
    video = submit(run, long_film)
    wait_until(lambda: has_begun(video), "the first frames")
    assert video.progress is not None and video.progress.total == 2000
    video.request_stop()
    wait_until(lambda: not video.state.is_active, "the end")
    assert video.state is TaskState.FINISHED, video.log()
    summary = video.summary
    assert summary is not None and summary.reason == STOPPED
    assert 0 < summary.frames < 2000
    with VideoReader(video.annotated_file) as film:
        assert len(list(film.read())) == summary.frames
    table = read_video_table(video.table_file)
    assert table is not None and len(table) == summary.rows


def test_a_killed_one_says_so_keeps_its_table_and_can_be_begun_again(
    run: Run, long_film: Path, tmp_path: Path
) -> None:
    video = submit(run, long_film)
    wait_until(lambda: has_begun(video), "the first frames")
    assert video.attempt is not None
    supervisor = psutil.Process(int(read_json(video.attempt / "process.json")["pid"]))
    (child,) = supervisor.children()
    child.send_signal(signal.SIGKILL)
    wait_until(lambda: not video.state.is_active, "the end")
    assert video.state is TaskState.INTERRUPTED
    assert "killed" in video.interruption
    assert video.summary is None and not video.annotated_file.exists()
    table = read_video_table(video.table_file)
    assert table is not None and len(table) > 0
    # A shorter film in its place, so that the test is.
    video.source.write_bytes(write_film(tmp_path / "short.mp4", face_frames(20)).read_bytes())
    videos.restart_video(video)
    wait_until(lambda: not video.state.is_active, "the second end")
    assert video.state is TaskState.FINISHED, video.log()
    assert video.summary is not None and video.summary.frames == 20
    assert not list(video.directory.glob(".annotated*"))


def test_the_terminal_writes_the_film_and_the_table(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = write_film(tmp_path / "film.mp4", face_frames(20))
    out = tmp_path / "results"
    assert main(["video", run.id, str(film), "--out", str(out), "--every", "2"]) == 0
    assert "10 frames, 0.8 s, faces: 1;" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {"film-annotated.mp4", "film-faces.csv"}
    assert main(["video", run.id, str(tmp_path / "none.mp4")]) == 1
    (tmp_path / "text.mp4").write_text("words")
    assert main(["video", run.id, str(tmp_path / "text.mp4")]) == 1
    assert "text.mp4 cannot be read as a video" in capsys.readouterr().err
