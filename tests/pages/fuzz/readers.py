"""Reads all that pages show of a run, a dataset or a task, without the pages."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from fer_core.datasets import Dataset, list_datasets, open_dataset, quality, unreadable_datasets
from fer_core.errors import FerError
from fer_core.evaluation import comparison, cross_dataset, feature_map, overview
from fer_core.evaluation.abstention import threshold_of
from fer_core.evaluation.drift import training_stats_of
from fer_core.evaluation.provenance import provenance_of, read_card
from fer_core.evaluation.report import EvaluationReport
from fer_core.inference.video_table import probability_curve, read_video_table, summarize_faces
from fer_core.inference.videos import Video, list_videos
from fer_core.runs import Run, count_runs, list_runs, read_predictions, unreadable_runs
from fer_core.tasks import Task, list_tasks, queue, read_preferences

Read = Callable[[], object]


def readers(item: Path) -> Iterator[Read]:
    """Yields what pages read because of an item; each may raise a FerError and nothing else."""
    yield from (list_runs, unreadable_runs, count_runs, list_datasets, unreadable_datasets)
    yield from (list_tasks, list_videos, read_preferences, queue.waiting, queue.working)
    yield queue.interrupted
    folder = item.parent.name
    if folder == "runs":
        yield from run_readers(Run(item))
    elif folder == "datasets":
        yield from dataset_readers(item.name)
    elif folder == "tasks":
        yield from task_readers(Task(item))
        yield from video_readers(Video(item))


def task_readers(task: Task) -> Iterator[Read]:
    names = ("state", "request", "progress", "error", "ended", "interruption", "stop_requested")
    for name in (*names, "attempts", "was_made_here"):
        yield lambda name=name: getattr(task, name)
    yield task.log
    yield lambda: task.progress and task.progress.fraction
    yield lambda: queue.will_auto_resume(task)


def run_readers(run: Run) -> Iterator[Read]:
    yield from task_readers(run)
    yield lambda: run.problem
    yield lambda: run.damage
    if run.problem:
        return
    names = ("config", "notes", "goal", "result", "counts", "environment", "history", "steps")
    more = ("test_openings", "exports", "started", "duration", "has_test", "can_continue", "name")
    for name in (*names, *more):
        yield lambda name=name: getattr(run, name)
    for tta in (False, True):
        yield lambda tta=tta: run.calibration(tta=tta)
        yield lambda tta=tta: threshold_of(run, tta=tta)
        yield lambda tta=tta: provenance_of(run, tta=tta).record()
    yield lambda: overview(run)
    yield lambda: comparison.read_record(run)
    yield lambda: training_stats_of(run)
    yield lambda: read_card(run)
    yield run.size_on_disk
    for split in ("val", "test"):
        yield lambda split=split: report(run, run.predictions_file(split))
    yield from evaluation_readers(run)


def evaluation_readers(run: Run) -> Iterator[Read]:
    yield lambda: cross_dataset.unreadable_evaluations(run)
    for one in cross_dataset.list_evaluations(run):
        file = cross_dataset.predictions_file(run, one.dataset, one.split)
        yield lambda file=file: report(run, file)
    for dataset, split in (("faces", "val"), ("photos", "test")):
        yield partial(feature_map.read_map, feature_map.map_file(run, dataset, split, "pca"))


def report(run: Run, file: Path) -> None:
    table = read_predictions(file)
    if table is not None and len(table):
        found = EvaluationReport(table, run.class_names, run.calibration())
        for name in ("score", "top_two", "scores", "coverage", "reliability", "label_issues"):
            getattr(found, name)
        assert found.calibration_errors and found.split_at(0.5)


def dataset_readers(name: str) -> Iterator[Read]:
    yield lambda: open_dataset(name)
    with suppress(FerError):
        dataset = open_dataset(name)
        yield from (dataset.counts, dataset.mean_faces, dataset.with_corrections, dataset.checked)
        yield lambda: dataset.with_corrections().counts()
        yield lambda: [dataset.image(position) for position in range(len(dataset.index))]
        yield dataset.fingerprint
        yield lambda: findings(dataset)


def findings(dataset: Dataset) -> None:
    result = quality.read_scan_result(dataset)
    search = quality.read_face_search(dataset)
    quality.damaged_results(dataset)
    if result is not None and len(result.table) == len(dataset.index):
        quality.find_problems(result, dataset.index, search)
        quality.has_changed(dataset, result)


def video_readers(video: Video) -> Iterator[Read]:
    for name in ("name", "model_name", "settings", "summary", "submitted", "source"):
        yield lambda name=name: getattr(video, name)

    def faces() -> None:
        summary = video.summary
        table = read_video_table(video.table_file, summary.class_names) if summary else None
        if table is None or summary is None:
            return
        for face in summarize_faces(table):
            probability_curve(table, face.number, summary.class_names)

    yield faces
