"""A batch from a folder or uploads to its tables, by a model that judges brightness."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from fer_core import access
from fer_core.access import Access
from fer_core.batches import batch as batches
from fer_core.batches.batch import Batch, BatchSettings, submit_folder, submit_uploads
from fer_core.batches.marks import mark_batch
from fer_core.batches.people import assign_tracks, list_tracks
from fer_core.batches.results import BatchResults, export_results, frames_with_people, read_results
from fer_core.errors import FerError
from fer_core.inference.videos import VideoSettings
from fer_core.runs.run import Run
from fer_core.storage.files import write_json
from fer_core.storage.reading import read_json
from fer_core.tasks import queue, supervisor, worker
from fer_core.tasks.exit_status import exit_file, exit_record
from fer_core.tasks.task import TaskState
from fer_core.vision.images import encode
from tests.batches.characters import RATE, brightness_run, frame, write_clip

CALM = BatchSettings(VideoSettings(time_constant=0.0))


@pytest.fixture
def run(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run; nobody does what is asked for by himself."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)
    return brightness_run()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two clips, a photo, and files of other kinds."""
    folder = tmp_path / "study"
    write_clip(folder / "day1" / "ann.mp4", 0, ["happy"] * 6 + ["sad"] * 4)
    write_clip(folder / "day2" / "bob.mp4", 1, ["sad"] * 3 + [""] * 3 + ["happy"] * 4)
    (folder / "cy.png").write_bytes(encode(frame(2, "happy"), "PNG"))
    (folder / "notes.txt").write_text("words")
    return folder


def do(batch: Batch, change: Callable[[], object] = lambda: None) -> None:
    """Does the task as the supervisor's child would."""
    attempt = supervisor.take(batch)
    assert attempt is not None
    change()
    exit_file(attempt).write_text(exit_record(worker.work(batch)))


def results_of(batch: Batch) -> BatchResults:
    assert batch.state is TaskState.FINISHED, batch.error
    results = read_results(batch)
    assert results is not None
    return results


def by_file(results: BatchResults) -> dict[str, pd.Series]:
    return {str(row["file"]): row for _, row in results.summary.iterrows()}


def test_a_folder_is_summarized_with_the_columns_of_its_table(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    (folder / "broken.mp4").write_text("words")
    table = b"file,start,end,participant\nann.mp4,0.2,,A\nday2/bob.mp4,,99,=B\ngone.mp4,,,C\n"
    batch = submit_folder(run, folder, CALM, table=table)
    do(batch)
    results = results_of(batch)
    rows = by_file(results)
    assert list(rows) == ["cy.png", "day1/ann.mp4", "day2/bob.mp4"]
    ann, bob = rows["day1/ann.mp4"], rows["day2/bob.mp4"]
    assert (ann["participant"], ann["frames"], ann["first_seconds"]) == ("A", 8, 0.2)
    assert (ann["share_happy"], ann["share_sad"], ann["transitions"]) == (0.5, 0.5, 1)
    assert ann["longest_spell_seconds"] == pytest.approx(4 / RATE, abs=0.01)
    assert (bob["frames"], rows["cy.png"]["share_happy"]) == (7, 1.0)
    assert bob["share_sad"] == pytest.approx(3 / 7, abs=1e-6)
    unknown, broken = results.problems
    assert "gone.mp4" in unknown and "broken.mp4 cannot be read as a video" in broken
    assert any("should end at 99 s" in note for note in results.notes)
    assert any("notes.txt" in note for note in results.notes)
    export_results(batch, results, tmp_path / "out")
    check_export(tmp_path / "out", results)


def check_export(out: Path, results: BatchResults) -> None:
    """Checks that all formats hold the same, that cells are defused, and columns described."""
    summary = pd.read_csv(out / "summary.csv")
    assert summary["participant"].tolist()[1:] == ["A", "'=B"]
    parquet = pq.read_table(out / "summary.parquet").to_pandas()
    assert parquet["participant"].tolist() == ["", "A", "=B"]
    numbers = [column.name for column in results.columns if column.kind != "text"]
    pd.testing.assert_frame_equal(summary[numbers], parquet[numbers], check_dtype=False)
    frames = pq.read_table(out / "frames.parquet").to_pandas()
    assert frames.groupby("file").size().to_dict() == {
        "cy.png": 1,
        "day1/ann.mp4": 8,
        "day2/bob.mp4": 10,
    }
    assert frames["face"].isna().sum() == 3
    bob = pd.read_csv(out / "frames" / "day2" / "bob.mp4.csv")
    assert bob["answer"].tolist() == ["sad"] * 3 + ["no face"] * 3 + ["happy"] * 4
    described = pd.read_csv(out / "data_dictionary.csv").groupby("table")["column"].agg(list)
    assert described["summary"] == list(summary)
    assert described["frames"] == list(frames) == list(bob)
    files = pd.read_csv(out / "files.csv")
    assert described["files"] == list(files)
    assert files.set_index("file").loc["broken.mp4", "problem"].startswith("broken.mp4 cannot")


def test_a_batch_reads_the_given_frames_per_second_of_listed_files_only(
    run: Run, folder: Path
) -> None:
    settings = BatchSettings(CALM.video, per_second=5, patterns=("*.mp4",), only_listed=True)
    batch = submit_folder(run, folder, settings, table=b"file\nann.mp4\ncy.png\n")
    do(batch)
    results = results_of(batch)
    assert [result.frames for result in results.results.values()] == [5]
    assert results.summary["share_happy"].tolist() == [0.6]
    assert "cy.png" in results.problems[0]  # the pattern leaves it out


def test_photos_of_a_batch_may_be_faces_already_and_others_tell_how_they_were_found(
    run: Run, folder: Path
) -> None:
    batch = submit_folder(run, folder, replace(CALM, whole_photos=True, patterns=("*.png",)))
    do(batch)
    (row,) = frames_with_people(batch, results_of(batch), 0).to_dict("records")
    assert row["detection"] == "whole picture" and pd.isna(row["confidence"])
    assert row["blurred"] in (0, 1) and (row["width"], row["height"]) == frame(2, "").shape[1::-1]


def test_uploads_and_archives_are_unpacked_and_removed_at_the_end(run: Run, folder: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(folder / "day1" / "ann.mp4", "in/ann.mp4")
        archive.writestr("in/words.txt", "words")
    photo = (folder / "cy.png").read_bytes()
    uploads = [
        ("../cy.png", io.BytesIO(photo)),
        ("CY.png", io.BytesIO(photo)),
        ("all.zip", packed),
        ("bad.zip", io.BytesIO(b"words")),
    ]
    batch = submit_uploads(run, uploads, CALM)
    do(batch)
    results = results_of(batch)
    assert [file.name for file in results.manifest.files] == [
        "all.zip/in/ann.mp4",
        "CY (2).png",
        "cy.png",
    ]
    assert len(results.summary) == 3
    assert len(results.problems) == 1 and "bad.zip" in results.problems[0]
    assert not batch.uploads.exists() and not batch.archives.exists()


def test_archives_of_a_folder_are_extracted_to_the_batch_and_stay_as_they_are(
    run: Run, folder: Path
) -> None:
    with zipfile.ZipFile(folder / "day2" / "more.ZIP", "w") as archive:
        archive.write(folder / "day1" / "ann.mp4", "in/eve.mp4")
        archive.writestr("in/inner.zip", "words")
    (folder / "bad.zip").write_text("words")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    batch = submit_folder(run, folder, CALM, table=b"file,participant\neve.mp4,E\n")
    do(batch)
    results = results_of(batch)
    rows = by_file(results)
    assert {"cy.png", "day1/ann.mp4", "day2/bob.mp4", "day2/more.ZIP/in/eve.mp4"} == set(rows)
    assert rows["day2/more.ZIP/in/eve.mp4"]["participant"] == "E"
    bad, inner = sorted(results.problems)
    assert "bad.zip" in bad and "day2/more.ZIP" in inner and "in/inner.zip" in inner
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert not batch.uploads.exists()


def test_people_are_merged_named_and_ignored_in_all_tables(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    coming_back = ["happy"] * 6 + [""] * 14 + ["sad"] * 4
    write_clip(folder / "day1" / "ann.mp4", 0, coming_back)
    batch = submit_folder(run, folder, CALM)
    do(batch)
    results = results_of(batch)
    tracks = list_tracks(results)
    assert tracks[["file", "track", "frames", "person"]].to_numpy().tolist() == [
        ["day2/bob.mp4", 1, 7, "1"],
        ["day1/ann.mp4", 1, 6, "1"],
        ["day1/ann.mp4", 2, 4, "2"],
        ["cy.png", 1, 1, "1"],
    ]
    assert all(batch.crop_file(1, track, 0).read_bytes()[:2] == b"\xff\xd8" for track in (1, 2))
    assign_tracks(batch, results, {1: {1: "Ann", 2: "Ann"}, 2: {1: "Bob"}, 0: {1: None}})
    results = results_of(batch)
    rows = results.summary.set_index("file")
    assert rows["person"].to_dict() == {"day1/ann.mp4": "Ann", "day2/bob.mp4": "Bob"}
    ann = rows.loc["day1/ann.mp4"]
    assert (ann["tracks"], ann["frames"], ann["share_happy"]) == ("1 2", 10, 0.6)
    assert ann["transitions"] == 0  # she was away in between
    export_results(batch, results, tmp_path / "out")
    frames = pq.read_table(tmp_path / "out" / "frames.parquet").to_pandas()
    assert frames.groupby("person").size().to_dict() == {"Ann": 10, "Bob": 7}
    assert "cy.png" not in set(frames["file"])
    assign_tracks(batch, results, {1: {2: ""}, 0: {1: ""}})
    people = results_of(batch).summary["person"].tolist()
    assert people == ["1", "Ann", "2", "Bob"]
    for name in ("two\nlines", " ", "a" * 201):
        with pytest.raises(FerError, match="one line"):
            assign_tracks(batch, results, {0: {1: name}})
    with (
        access.acting_with(Access(is_public=True, may_write=False)),
        pytest.raises(access.AccessError),
    ):
        assign_tracks(batch, results, {0: {1: "Cy"}})


@pytest.mark.parametrize(
    "change",
    [
        {"people": [{"person": "1"}]},
        {"people": [{"person": "1", "frames": "many"}]},
        {"track_frames": {"one": 1}},
        {"unknown": 1},
        {"name": 5},
    ],
)
def test_a_damaged_result_is_said_and_the_others_are_shown(
    run: Run, folder: Path, change: dict[str, object]
) -> None:
    for name in ("day1/ann.mp4", "day2/bob.mp4"):
        (folder / name).unlink()
    (folder / "dy.png").write_bytes(encode(frame(1, "sad"), "PNG"))
    batch = submit_folder(run, folder, CALM)
    do(batch)
    record = read_json(batch.result_file(0))
    write_json(batch.result_file(0), record | change)
    results = results_of(batch)
    assert results.summary["file"].tolist() == ["dy.png"]
    assert len(results.problems) == 1 and "cy.png is damaged" in results.problems[0]


def test_after_a_kill_only_what_is_left_is_done(run: Run, folder: Path) -> None:
    batch = submit_folder(run, folder, CALM)
    attempt = supervisor.take(batch)
    assert attempt is not None
    worker.work(batch)
    # As if it had been killed before the last file.
    (batch.directory / "result.json").unlink()
    exit_file(attempt).write_text(exit_record(-9))
    batch.result_file(2).unlink()
    before = {number: batch.result_file(number).stat().st_ino for number in (0, 1)}
    write_clip(folder / "day1" / "ann.mp4", 0, ["sad"] * 3)
    assert batch.state is TaskState.INTERRUPTED and batch.can_resume
    assert batches.find_resumable(run, folder, CALM, None) == batch
    batches.resume_batch(batch)
    do(batch)
    results = results_of(batch)
    assert batch.result_file(0).stat().st_ino == before[0]
    assert batch.result_file(1).stat().st_ino != before[1]  # another film since
    assert by_file(results)["day1/ann.mp4"]["share_sad"] == 1.0
    assert len(results.results) == 3 and not batch.can_resume
    with pytest.raises(FerError, match="cannot be resumed"):
        batches.resume_batch(batch)


def test_damaged_marks_are_said_and_the_batch_goes_on(run: Run, folder: Path) -> None:
    markers = b"file,time,label\nann.mp4,0.2,now\n"
    batch = submit_folder(run, folder, CALM, markers=markers)
    attempt = supervisor.take(batch)
    assert attempt is not None
    worker.work(batch)
    assert len(results_of_killed(batch, attempt).markers) > 0
    batch.marks_file.write_text("{")
    batches.resume_batch(batch)
    do(batch)
    results = results_of(batch)
    assert len(results.results) == 3
    assert results.markers.empty and len(results.problems) == 1
    mark_batch(batch, results.results, markers)
    results = results_of(batch)
    assert len(results.markers) > 0 and not results.problems


def results_of_killed(batch: Batch, attempt: Path) -> BatchResults:
    """Returns the results of a batch as if it had been killed before its last file."""
    results = read_results(batch)
    assert results is not None
    (batch.directory / "result.json").unlink()
    exit_file(attempt).write_text(exit_record(-9))
    batch.result_file(1).unlink()
    return results


def test_a_stopped_one_keeps_its_files_and_is_resumed(run: Run, folder: Path) -> None:
    batch = submit_folder(run, folder, CALM)
    attempt = supervisor.take(batch)
    assert attempt is not None
    (attempt / "stop").touch()
    assert worker.work(batch) == 0
    exit_file(attempt).write_text(exit_record(0))
    summary = batch.summary
    assert batch.state is TaskState.FINISHED and summary is not None
    assert (summary.reason, summary.files, summary.finished) == ("stopped", 3, 0)
    batches.resume_batch(batch)
    do(batch)
    assert len(results_of(batch).results) == 3


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({}, "must hold at least one photo or video"),
        ({"list.m3u8": b"#EXTM3U\nfile:///etc/passwd\n"}, "must hold at least one photo or video"),
    ],
)
def test_a_folder_without_media_is_refused(
    run: Run, tmp_path: Path, content: dict[str, bytes], sentence: str
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    for name, data in content.items():
        (folder / name).write_bytes(data)
    batch = submit_folder(run, folder, CALM)
    do(batch)
    assert batch.state is TaskState.FAILED
    assert sentence in batch.error


def test_bad_files_each_get_a_sentence_and_the_others_go_on(run: Run, folder: Path) -> None:
    (folder / "text.png").write_text("words")
    (folder / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    (folder / "empty.mp4").write_bytes(b"")
    cut = (folder / "day1" / "ann.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(cut[: len(cut) // 3])
    start = cut.index(b"mdat") + 4  # after it come the frames
    (folder / "no frame.mp4").write_bytes(cut[:start] + bytes(len(cut) - start))
    (folder / "loop.mp4").symlink_to(folder / "loop.mp4")
    table = b"file,start\nday2/bob.mp4,50\ncy.png,1\n"
    batch = submit_folder(run, folder, CALM, table=table)
    do(batch)
    results = results_of(batch)
    assert {result.name for result in results.results.values() if result.problem} == {
        *("text.png", "list.mp4", "empty.mp4", "cut.mp4", "no frame.mp4", "loop.mp4"),
        *("day2/bob.mp4", "cy.png"),
    }
    assert list(by_file(results)) == ["day1/ann.mp4"]
    for result in results.results.values():
        assert not result.problem or result.name in result.problem


def test_strangers_read_only_folders_that_are_named(run: Run, folder: Path, tmp_path: Path) -> None:
    allowed = folder / "day1"
    (allowed / "out.mp4").symlink_to(folder / "day2" / "bob.mp4")
    with access.acting_with(Access(is_public=True, folders=(allowed.resolve(),))):
        with pytest.raises(FerError, match="one that it may read"):
            submit_folder(run, folder, CALM)
        batch = submit_folder(run, allowed, CALM)
    do(batch)
    results = results_of(batch)
    assert [result.name for result in results.results.values()] == ["ann.mp4"]
    assert any("out.mp4" in note for note in results.notes)


def test_what_cannot_be_asked_for_is_refused(run: Run, folder: Path) -> None:
    with pytest.raises(FerError, match="photos, videos and .zip"):
        submit_uploads(run, [("a.txt", io.BytesIO(b""))], CALM)
    with pytest.raises(FerError, match="Rename: share_happy"):
        submit_folder(run, folder, CALM, table=b"file,share_happy\na.mp4,1\n")
    with pytest.raises(FerError, match="`per_second`"):
        BatchSettings(per_second=0)
    assert batches.list_batches() == []


def test_markers_ranges_and_baselines_give_the_known_means(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    write_clip(folder / "day2" / "calm.mp4", 1, ["sad"] * 3)
    # Ann is happy for 0.6 s, then sad; Bob is sad for 0.3 s, away as long, then happy.
    table = b"file,markers,excluded,baseline\nann.mp4,0.6 change,,\nbob.mp4,,,calm.mp4\n"
    markers = b"file,time,start,end,label\nday1/ann.mp4,,0.8,1.0,looks away\nbob.mp4,0.3,,,leaves\n"
    markers += b"gone.mp4,1,,,never\n"
    settings = BatchSettings(CALM.video, baseline="0-0.4", window=0.4)
    batch = submit_folder(run, folder, settings, table=table, markers=markers)
    do(batch)
    results = results_of(batch)
    assert any("gone.mp4" in problem for problem in results.problems)
    ann, bob = by_file(results)["day1/ann.mp4"], by_file(results)["day2/bob.mp4"]
    assert (ann["frames"], ann["share_happy"]) == (8, 0.75)
    assert ann["baseline"] == "mean from 0:00 to 0:00.4"
    assert ann["mean_happy_minus_baseline"] == pytest.approx(-0.25 * LIFT, abs=0.03)
    assert bob["baseline"] == "day2/calm.mp4"
    assert bob["mean_happy_minus_baseline"] == pytest.approx(4 / 7 * LIFT, abs=0.03)
    means = results.markers.set_index(["marker", "person", "period"])["mean_happy"]
    assert means["change", "1", "before"] == pytest.approx(HAPPY, abs=0.03)
    assert means["change", "1", "change"] == pytest.approx(-LIFT, abs=0.03)
    assert pd.isna(means["leaves", "1", "after"]) == (bob["tracks"] != "1")
    export_results(batch, results, tmp_path / "out")
    described = pd.read_csv(tmp_path / "out" / "data_dictionary.csv").groupby("table")["column"]
    for name in ("summary", "markers"):
        assert list(pd.read_csv(tmp_path / "out" / f"{name}.csv")) == described.agg(list)[name]


SAD, HAPPY = 0.06, 0.96  # the model's probability of happy for either face
LIFT = HAPPY - SAD


def test_markers_can_be_added_when_the_batch_has_ended(run: Run, folder: Path) -> None:
    batch = submit_folder(run, folder, CALM)
    do(batch)
    results = results_of(batch)
    assert not results.has_markers and "baseline" not in results.summary
    files = {number: batch.result_file(number).stat().st_mtime_ns for number in results.results}
    with pytest.raises(FerError, match="Received: soon"):
        mark_batch(batch, results.results, None, baseline="soon")
    mark_batch(batch, results.results, b"file,time,label\nann.mp4,0.6,change\n", window=0.3)
    results = results_of(batch)
    assert results.markers["frames"].tolist() == [3, 3, 6]
    changed = [
        number
        for number, old in files.items()
        if batch.result_file(number).stat().st_mtime_ns != old
    ]
    assert [results.results[number].name for number in changed] == ["day1/ann.mp4"]
    # What is marked stays when people get names.
    number = changed[0]
    assign_tracks(batch, results, {number: {1: "Ann"}})
    assert set(results_of(batch).markers["person"]) == {"Ann"}
    batch.marks_file.write_text("{")
    results = results_of(batch)
    assert any("marks.json" in problem for problem in results.problems)
    mark_batch(batch, results.results, None)
    assert results_of(batch).has_markers
