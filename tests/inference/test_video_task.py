"""A film's faces, from the file to the table, by a network that judges brightness."""

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fer_core.access import Access
from fer_core.inference import video_task, videos
from fer_core.inference.recognition import Classifier
from fer_core.inference.video_io import MAX_GAP, VideoReader
from fer_core.inference.video_table import read_video_table, table_columns
from fer_core.inference.video_task import _is_inside, recognize_video
from fer_core.inference.videos import Summary, Video, VideoSettings, submit_video
from fer_core.models import architectures as models
from fer_core.runs.config import TrainConfig
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from fer_core.storage import paths, usage
from fer_core.storage.files import write_json
from fer_core.tasks import kinds, queue, supervisor, worker
from fer_core.tasks import maintenance as upkeep
from fer_core.tasks import task as tasks
from fer_core.tasks.exit_status import exit_file, exit_record
from fer_core.tasks.task import TaskState
from fer_core.vision.detection import FaceDetector
from fer_core.vision.images import Box
from tests.inference.hostile_videos import readable
from tests.inference.synthetic_video import face_frames, gray_frames, write_film
from tests.inference.test_recognition import brightness_model

NAMES = ("sad", "happy")
Ask = Callable[..., Video]


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.fixture
def run(workspace: Path) -> Run:
    run = create_run(TrainConfig(recipe="cnn_classic", dataset="tiny"))
    write_json(run.directory / "dataset.json", {"class_names": NAMES, "counts": {}})
    models.save_model(brightness_model(), run.directory / "model.keras")
    return run


@pytest.fixture
def ask(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Asks for a film to be looked at, which nobody does by himself."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)

    def ask(frames: Sequence[np.ndarray] | bytes, name: str = "a.mp4", **settings) -> Video:
        path = tmp_path / "film.mp4"
        content = frames if isinstance(frames, bytes) else write_film(path, frames).read_bytes()
        return submit_video(run, io.BytesIO(content), name, VideoSettings(**settings))

    return ask


def look(video: Video, detector: FaceDetector, tell=lambda progress: True) -> Summary:
    with VideoReader(video.source, video.name) as film:
        classifier = Classifier(brightness_model(), NAMES)
        return recognize_video(film, video, detector, classifier, tell)


def do(video: Video) -> Path:
    """Does the task as the supervisor's child would, and gives its attempt."""
    attempt = supervisor.take(video)
    assert attempt is not None
    exit_file(attempt).write_text(exit_record(worker.work(video)))
    return attempt


def table_of(video: Video) -> pd.DataFrame:
    table = read_video_table(video.table_file)
    assert table is not None
    return table


def test_every_frame_has_its_face_and_two_faces_keep_their_numbers(ask: Ask, detector) -> None:
    video = ask(face_frames(20, faces=2))
    summary = look(video, detector)
    table = table_of(video)
    assert (summary.frames, summary.faces, summary.rows) == (20, 2, 40)
    assert (summary.width, summary.height) == (320, 240)
    assert list(table.columns) == table_columns(NAMES)
    assert table["frame"].tolist() == [number for number in range(20) for _ in range(2)]
    assert table["seconds"].iloc[-1] == pytest.approx(19 / 25, abs=1e-3)
    left, right = (table[table["face"] == number] for number in (1, 2))
    assert (left["x"].to_numpy() < right["x"].to_numpy()).all()
    # The faces move to the right by 38 pixels.
    assert left["x"].iloc[-1] - left["x"].iloc[0] == pytest.approx(38, abs=6)
    assert table[["p_sad", "p_happy"]].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-3)


def test_the_annotated_film_has_the_same_frames_at_the_same_times(ask: Ask, detector) -> None:
    video = ask(face_frames(12))
    look(video, detector)
    with VideoReader(video.annotated_file) as film:
        found = list(film.read())
    assert [frame.seconds for frame in found] == pytest.approx(
        [number / 25 for number in range(12)], abs=1e-3
    )
    assert found[0].image.shape == (480, 640, 3)  # words need room
    assert found[0].image.std(axis=2).max() > 50  # the box has a colour, the ground is gray


def test_answers_are_smoothed_over_time(ask: Ask, detector) -> None:
    bright, dark = face_frames(30), [frame // 3 for frame in face_frames(60)[30:]]
    video = ask([*bright, *dark], time_constant=1.0)
    look(video, detector)
    table = table_of(video).set_index("frame")
    assert table.loc[29, "p_happy"] - table.loc[30, "p_happy"] > 0.3
    change = table.loc[29, "smoothed_happy"] - table.loc[30, "smoothed_happy"]
    assert 0 < change < 0.05
    plain = ask([*bright, *dark], time_constant=0.0)
    look(plain, detector)
    table = table_of(plain)
    assert table["smoothed_sad"].to_numpy() == pytest.approx(table["p_sad"].to_numpy())


def test_below_the_threshold_the_answer_is_not_sure(ask: Ask, detector) -> None:
    video = ask(face_frames(3), threshold=1.0)
    look(video, detector)
    assert set(table_of(video)["answer"]) == {"not sure"}
    assert set(table_of(video)["expression"]) <= set(NAMES)


def test_one_frame_of_several_is_looked_at_and_the_faces_still_followed(ask: Ask, detector) -> None:
    video = ask(face_frames(30), every=10)
    summary = look(video, detector)
    assert (summary.frames, summary.faces) == (3, 1)
    assert table_of(video)["frame"].tolist() == [0, 10, 20]


def test_after_a_cut_the_faces_are_others(ask: Ask, detector) -> None:
    ground = np.random.default_rng(0).integers(0, 256, (15, 20, 3), dtype=np.uint8)
    ground = ground.repeat(16, axis=0).repeat(16, axis=1)
    elsewhere = []
    for frame in face_frames(5):
        other = ground.copy()
        other[60:180, 10:150] = frame[60:180, 10:150]
        elsewhere.append(other)
    video = ask([*face_frames(5), *elsewhere])
    look(video, detector)
    numbers = table_of(video).groupby("frame")["face"].first()
    assert numbers.loc[0] == numbers.loc[4] == 1
    assert numbers.loc[9] > 1


def test_boxes_are_pixels_of_the_video_though_a_large_one_is_reduced(ask: Ask, detector) -> None:
    large = [frame.repeat(6, axis=0).repeat(6, axis=1) for frame in face_frames(2)]
    video = ask(large, smallest_face=300)
    summary = look(video, detector)
    assert (summary.width, summary.height) == (1920, 1440)
    first = table_of(video).iloc[0]
    assert first["x"] + first["width"] / 2 == pytest.approx(6 * 70, abs=60)
    assert first["height"] > 300


def test_a_portrait_is_kept_of_faces_that_last(ask: Ask, detector) -> None:
    video = ask(face_frames(30))
    look(video, detector)
    assert video.portrait_file(1).read_bytes().startswith(b"\xff\xd8")
    brief = ask(face_frames(8))
    look(brief, detector)
    assert not brief.portrait_file(1).exists()


def test_a_face_that_the_border_cuts_off_is_told_from_a_whole_one() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    assert _is_inside(Box(0, 0, 200, 100), image)
    for cut in (Box(-1, 0, 20, 20), Box(181, 0, 20, 20), Box(0, -1, 20, 20), Box(0, 81, 20, 20)):
        assert not _is_inside(cut, image)


def test_a_film_without_faces_is_a_film_and_an_empty_table(ask: Ask, detector) -> None:
    video = ask(gray_frames(20))
    summary = look(video, detector)
    assert (summary.faces, summary.rows, summary.frames) == (0, 0, 20)
    assert len(table_of(video)) == 0
    assert video.annotated_file.exists()


def test_a_stopped_one_keeps_what_was_done(ask: Ask, detector) -> None:
    video = ask(face_frames(50))
    told = []
    summary = look(video, detector, lambda progress: told.append(progress) or len(told) < 2)
    assert (summary.reason, summary.frames) == ("stopped", 32)
    assert [progress.done for progress in told] == [16, 32]
    assert told[-1].fraction == pytest.approx(32 / 50, abs=0.01)
    assert told[-1].rate and told[-1].seconds_left
    with VideoReader(video.annotated_file) as film:
        assert len(list(film.read())) == 32
    assert table_of(video)["frame"].max() == 31


def test_a_task_looks_at_a_video_and_removes_it(ask: Ask) -> None:
    video = ask(face_frames(20), name="../My film.mp4")
    assert video.state is TaskState.QUEUED
    do(video)
    assert video.state is TaskState.FINISHED, video.error
    summary = video.summary
    assert summary is not None and summary.class_names == NAMES
    assert (summary.reason, summary.frames, summary.faces) == ("completed", 20, 1)
    assert not summary.is_truncated
    assert (video.name, video.model_name) == ("My film.mp4", video.run_id)
    assert not video.source.exists()
    assert video.submitted is not None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"clip.mp4 cannot be read as a video: it is empty."),
        (b"words", "clip.mp4 cannot be read as a video: it is none of MP4, MOV, WebM, MKV or AVI."),
    ],
)
def test_what_is_no_video_fails_with_a_sentence(ask: Ask, content: bytes, sentence: str) -> None:
    video = ask(content, name="clip.mp4")
    do(video)
    assert video.state is TaskState.FAILED
    assert video.error == sentence
    assert video.summary is None
    left = {path.name for path in video.directory.iterdir()}
    assert left <= {"attempts", "progress.json"}


def test_a_video_that_is_stopped_before_it_begins_is_cancelled(ask: Ask) -> None:
    video = ask(face_frames(20))
    attempt = supervisor.take(video)
    assert attempt is not None
    (attempt / "stop").touch()
    assert worker.work(video) == 0
    exit_file(attempt).write_text(exit_record(0))
    assert video.state is TaskState.CANCELLED
    assert not video.annotated_file.exists()


def test_the_halves_of_a_killed_attempt_are_gone_after_the_next(ask: Ask) -> None:
    video = ask(face_frames(20))
    attempt = supervisor.take(video)
    assert attempt is not None
    half = video.directory / ".annotated.01234567.mp4"
    half.write_bytes(b"half a film")
    exit_file(attempt).write_text(exit_record(-9))
    assert video.state is TaskState.INTERRUPTED
    videos.restart_video(video)
    assert video.state is TaskState.QUEUED
    do(video)
    assert video.state is TaskState.FINISHED
    assert not half.exists()
    with pytest.raises(ValueError, match=r"a\.mp4 cannot be processed again"):
        videos.restart_video(video)


def test_a_video_that_exceeds_the_quota_leaves_no_partial_file(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = ask(face_frames(40))
    original = tasks.Task.save_progress

    def fill(self: tasks.Task, progress: tasks.Progress) -> None:
        if progress.done:  # some frames were written
            (paths.workspace() / "filling").write_bytes(bytes(20_000_000))
        original(self, progress)

    monkeypatch.setattr(tasks.Task, "save_progress", fill)
    quota = usage.workspace_bytes() + 20_000_000
    monkeypatch.setattr(Access, "from_record", lambda *_: Access(workspace_bytes=quota))
    do(video)
    assert video.state is TaskState.FAILED and "workspace" in video.error
    assert {path.name for path in video.directory.iterdir()} == {"attempts", "progress.json"}


def test_a_run_that_is_gone_is_said(ask: Ask, run: Run) -> None:
    video = ask(face_frames(3))
    (run.directory / "config.json").unlink()
    do(video)
    assert "Choose one listed on the Runs page" in video.error


def test_a_video_needs_a_network_and_a_name_of_its_kind(ask: Ask, run: Run) -> None:
    with pytest.raises(ValueError, match=r"one of \.mp4, .* Received: film\.txt"):
        ask(b"", name="film.txt")
    assert run.model_file is not None
    run.model_file.unlink()
    with pytest.raises(ValueError, match="must finish an epoch"):
        ask(b"")
    assert videos.list_videos() == []


@pytest.mark.parametrize("settings", [{"every": 0}, {"every": 101}, {"time_constant": -1.0}])
def test_settings_out_of_range_are_refused(settings: dict) -> None:
    (name, value), *_ = settings.items()
    with pytest.raises(ValueError, match=f"`{name}` must be between .* Received: {value}"):
        VideoSettings(**settings)


def test_an_upload_that_breaks_off_leaves_no_file(run: Run) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("the connection is gone")

    with pytest.raises(OSError, match="the connection is gone"):
        submit_video(run, Broken(), "a.mp4", VideoSettings())
    assert list(paths.tasks_root().iterdir()) == []


def test_videos_are_listed_with_the_newest_first_and_outlive_other_old_tasks(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, failed = ask(face_frames(2)), ask(b"")
    do(kept)
    do(failed)
    tasks.new_directory(paths.tasks_root(), "import")
    assert {video.id for video in videos.list_videos()} == {kept.id, failed.id}
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 30 * 24 * 3600)
    upkeep.remove_old_tasks()
    assert [video.id for video in videos.list_videos()] == [kept.id]


def test_a_file_that_ends_early_is_told_from_a_whole_one(ask: Ask) -> None:
    video = ask(face_frames(3))
    do(video)
    summary = video.summary
    assert summary is not None
    assert not summary.is_truncated
    assert replace(summary, stated_seconds=60.0).is_truncated
    assert not replace(summary, stated_seconds=60.0, reason="stopped").is_truncated


def test_a_jump_of_hours_is_true_in_the_table_and_short_in_the_film(ask: Ask, detector) -> None:
    video = ask(readable()["mp4, a jump of ten hours"]())
    summary = look(video, detector)
    assert (summary.frames, summary.seconds) == (12, pytest.approx(36_000.4))
    assert summary.shortened == pytest.approx(36_000 - MAX_GAP)


def test_portraits_have_a_limit(ask: Ask, detector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_task, "_MAX_PORTRAITS", 1)
    video = ask(face_frames(24, faces=2))
    look(video, detector)
    assert len(list(video.portrait_file(1).parent.iterdir())) == 1


def test_few_frames_of_a_whole_file_do_not_make_it_a_short_one(ask: Ask, detector) -> None:
    summary = look(ask(gray_frames(140), every=100), detector)
    assert summary.frames == 2  # the last of them 1.6 s before the end
    assert summary.seconds == pytest.approx(139 / 25, abs=1e-3)
    assert not summary.is_truncated


def test_videos_are_processed_beside_all_other_tasks() -> None:
    lanes = [kind.lane for name, kind in supervisor.KINDS.items() if name != kinds.VIDEO]
    assert supervisor.KINDS[kinds.VIDEO].lane not in lanes


def test_a_real_film_has_one_face_throughout(ask: Ask, detector, photos_dir: Path) -> None:
    video = ask((photos_dir / "face_pexels.mp4").read_bytes(), every=8)
    summary = look(video, detector)
    assert (summary.frames, summary.faces) == (59, 1)
    assert summary.rows > 0.95 * summary.frames
