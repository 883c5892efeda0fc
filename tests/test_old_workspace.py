"""Opens a workspace that an earlier version of the program wrote.

`data/workspace-ff6b6c0.tar.xz` was written by the program as it was at commit ff6b6c0 (version 0.1,
before the modules were grouped into packages). It holds:

- `workspace/`: what that program's queue, supervisor and workers wrote: two datasets (drawn pixels
  as a .csv in FER2013's layout with FER+ votes, and as a .zip of folders), corrections, quality
  scans, eleven runs (finished, continued, stopped, interrupted, failed, cancelled, queued),
  cross-dataset evaluations, feature maps, a processed video, preferences. Checkpoints, cache and
  lock files are left out; model files and the annotated video are empty.
- `expected.json`: what that program read back from the workspace.
- `make_workspace.py`: the script that wrote both; its docstring says how to run it.
"""

import json
import tarfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from fer_core.datasets import list_datasets, open_dataset, unreadable_datasets
from fer_core.datasets.quality import find_problems, read_face_search, read_scan_result
from fer_core.evaluation import comparison, cross_dataset, feature_map, overview
from fer_core.evaluation.abstention import threshold_of
from fer_core.evaluation.drift import training_stats_of
from fer_core.evaluation.provenance import provenance_of, read_card
from fer_core.evaluation.report import EvaluationReport
from fer_core.inference.video_table import read_video_table, summarize_faces
from fer_core.inference.videos import list_videos
from fer_core.release.card import write_card
from fer_core.runs import (
    Run,
    TrainConfig,
    list_runs,
    open_run,
    read_predictions,
    resume_run,
    unreadable_runs,
)
from fer_core.storage import paths
from fer_core.tasks import Task, TaskState, list_tasks, queue, read_preferences
from tests.old_workspace import ARCHIVE, unpack
from tests.pages.conftest import APP, rerun

SHIPPED = "residual-cnn"
# That version did not record where a request was made, so what was queued is not carried out.
STATES = [state for state in TaskState if not state.is_active]

# cleanlab warns about classes with few images.
pytestmark = pytest.mark.filterwarnings("ignore:May not flag all label issues:UserWarning")


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """Returns what the old program read from its workspace."""
    with tarfile.open(ARCHIVE) as archive:
        file = archive.extractfile("expected.json")
        assert file is not None
        return json.load(file)


@pytest.fixture(autouse=True)
def old_workspace(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unpacks the old workspace; nothing in its queue is started."""
    unpack(tmp_path).rename(workspace)
    monkeypatch.setattr(paths, "pretrained_root", lambda: paths.PROJECT / "fer_core/pretrained")
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)
    st.cache_resource.clear()  # of the same datasets in an earlier test's folder


def as_text(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def as_json(record: Any) -> Any:
    return json.loads(json.dumps(record))


def own_runs() -> list[Run]:
    return [run for run in list_runs() if not run.is_pretrained]


# Datasets


def describe_dataset(name: str) -> dict[str, Any]:
    dataset = open_dataset(name)
    corrections, index = dataset.saved_corrections, dataset.index
    seen = read_scan_result(dataset)
    assert seen is not None
    findings = find_problems(seen, index, read_face_search(dataset))
    return {
        "layout": dataset.layout,
        "notes": list(dataset.notes),
        "class_names": list(dataset.class_names),
        "is_gray": dataset.is_gray,
        "index": as_text(index.drop(columns="modified")),
        "counts": dataset.counts().to_dict(),
        "corrected_counts": dataset.with_corrections().counts().to_dict(),
        "fingerprint": dataset.fingerprint(),
        "corrections": [
            len(corrections.excluded),
            len(corrections.relabeled),
            len(corrections.confirmed),
        ],
        "pixels": [int(dataset.image(position).sum()) for position in range(len(index))],
        "findings": [
            finding.positions.tolist()
            for finding in findings
            if finding.kind != "augmented"  # a kind that the old version did not have
        ],
    }


def test_every_dataset_opens_with_the_same_index_corrections_and_findings(
    expected: dict[str, Any],
) -> None:
    assert unreadable_datasets() == []
    found = {dataset.name: describe_dataset(dataset.name) for dataset in list_datasets()}
    assert sorted(found) == ["faces", "photos"]
    assert found["faces"]["corrections"] == [3, 2, 4]
    assert found == expected["datasets"]


# Runs


def describe_run(run: Run) -> dict[str, Any]:
    listed, result = overview(run), run.result
    calibrations = [run.calibration(tta=tta) for tta in (False, True)]
    tables = [run.predictions(split, tta=tta) for split in ("val", "test") for tta in (False, True)]
    return {
        "state": str(listed.state),
        "reason": listed.reason,
        "config": as_json(run.config.to_dict()),
        "notes": asdict(run.notes),
        "epochs": [listed.epochs, listed.goal],
        "best_accuracy": listed.best_accuracy,
        "scores": [
            None if one is None else [one.accuracy.correct, one.accuracy.total, one.leaked]
            for one in (listed.val, listed.test)
        ],
        "result": None if result is None else asdict(result),
        "test_looks": [look.isoformat() for look in run.test_openings],
        "class_names": list(run.class_names),
        "counts": run.counts.to_dict(),
        "history": as_text(run.history),
        "steps": as_text(run.steps),
        "attempts": len(run.attempts),
        "can_resume": bool(run.interruption) and listed.state is TaskState.INTERRUPTED,
        "error": run.error,
        "fingerprint": run.fingerprint,
        "thresholds": [threshold_of(run, tta=tta) for tta in (False, True)],
        "calibrations": [None if one is None else asdict(one) for one in calibrations],
        "predictions": [None if table is None else as_text(table) for table in tables],
        "survey": as_json(asdict(training_stats_of(run))) if run.model_file else None,
        "elsewhere": describe_evaluations(run),
        "evaluation": describe_report(run),
    }


def describe_evaluations(run: Run) -> dict[str, Any]:
    """Returns the run's cross-dataset evaluations and feature maps by dataset and split."""
    found: dict[str, Any] = {}
    for one in cross_dataset.list_evaluations(run):
        file = cross_dataset.predictions_file(run, one.dataset, one.split)
        table = read_predictions(file)
        assert table is not None
        found[f"{one.dataset} {one.split}"] = [as_json(asdict(one)), as_text(table)]
    for dataset, split in (("faces", "val"), ("photos", "test")):
        drawn = feature_map.read_map(feature_map.map_file(run, dataset, split, feature_map.PCA))
        if drawn is not None:
            found[f"map {dataset} {split}"] = [drawn.points.round(3).tolist(), drawn.made]
    return found


def describe_report(run: Run) -> list[Any] | None:
    table = run.predictions("val")
    if table is None:
        return None
    report = EvaluationReport(table, run.class_names, run.calibration())
    return [
        report.top_two.correct,
        report.confusion.tolist(),
        as_text(report.scores),
        [None if error is None else round(error, 6) for error in report.calibration_errors],
        report.label_issues.tolist(),
    ]


def test_every_run_is_listed_with_the_same_state_scores_and_files(expected: dict[str, Any]) -> None:
    assert unreadable_runs() == [] and expected["unreadable_runs"] == []
    found = {run.id: describe_run(run) for run in own_runs()}
    assert list(found) == list(expected["runs"])
    for run_id, wanted in expected["runs"].items():
        if wanted["state"] == TaskState.QUEUED:
            assert "by an earlier version" in open_run(run_id).error
            wanted |= {name: found[run_id][name] for name in ("state", "reason", "error")}
        wanted["config"] = with_newer_settings(wanted["config"])
        assert found[run_id] == wanted, run_id


def with_newer_settings(config: dict[str, Any]) -> dict[str, Any]:
    """Adds the settings that came later, which are off in a run that does not know them."""
    defaults = as_json(TrainConfig().to_dict())
    transforms = defaults["augmentation"] | config["augmentation"]
    return defaults | config | {"augmentation": transforms}


def test_the_workspace_holds_runs_in_every_state_that_survives_a_restart() -> None:
    states = [run.state for run in own_runs()]
    assert set(states) == set(STATES) and len(states) == 11


def test_the_pretrained_run_keeps_its_evaluation_and_feature_map(expected: dict[str, Any]) -> None:
    found = describe_evaluations(open_run(SHIPPED))
    assert found == expected["shipped"] and len(found) == 2


def test_runs_compare_as_before(expected: dict[str, Any]) -> None:
    records = {run.id: comparison.read_record(run) for run in own_runs() if len(run.history)}
    assert expected["compared"] == {
        name: [
            record.is_complete,
            len(record.curves),
            record.test_openings,
            sorted(record.predictions),
        ]
        for name, record in records.items()
    }
    assert comparison.seed_groups(records) == expected["seed_groups"]
    assert comparison.differing_settings(records).shape[1] == expected["differing_settings"]


def test_every_run_with_a_recipe_and_predictions_gets_a_model_card() -> None:
    described = [run for run in own_runs() if run.predictions("val") is not None]
    described = [run for run in described if run.config.recipe]
    for run in described:
        write_card(run, "A model")
        card = read_card(run)
        score = provenance_of(run).score
        assert card.startswith("# A model") and score is not None
        assert f"{score.accuracy}" in card
    assert len(described) == 6


# Tasks


def test_tasks_queued_by_an_older_version_are_kept_and_refused(expected: dict[str, Any]) -> None:
    assert queue.waiting() == []
    refused = {task.id: task for task in [*own_runs(), *list_tasks()] if task.refusal}
    assert sorted(refused) == sorted(expected["waiting"])
    assert {task.state for task in refused.values()} == {TaskState.FAILED}
    states = dict.fromkeys(refused, "queued")
    assert {
        task.id: [task.request.kind if task.request else "", states.get(task.id, str(task.state))]
        for task in list_tasks()
    } == expected["tasks"]


def test_a_run_that_was_queued_can_be_resumed() -> None:
    run = next(run for run in own_runs() if run.refusal)
    resume_run(run)
    assert run.state is TaskState.QUEUED and queue.waiting() == [Task(run.directory)]


def test_preferences_are_kept(expected: dict[str, Any]) -> None:
    assert read_preferences().auto_resume is expected["resume_by_itself"] is True


def test_a_processed_video_keeps_its_faces(expected: dict[str, Any]) -> None:
    found = []
    for video in list_videos():
        table, summary = read_video_table(video.table_file), video.summary
        assert table is not None and summary is not None
        faces = [
            [face.number, face.first, face.last, face.frames, face.answers]
            for face in summarize_faces(table)
        ]
        portraits = [video.portrait_file(int(number)).exists() for number, *_ in faces]
        asked = [video.id, video.name, video.model_name, as_json(video.settings.to_record())]
        record = as_json(summary.to_record())
        assert record.pop("shortened") == 0  # younger than the workspace
        assert not record.pop("cuts")
        found.append([*asked, record, faces, portraits])
    assert found == expected["videos"] and len(found) == 1


# Pages


def open_page(name: str, **address: str) -> AppTest:
    page = AppTest.from_file(str(APP), default_timeout=120)
    page.switch_page(f"pages/{name}.py")
    page.query_params.update(address)
    return rerun(page)


def assert_no_error(page: AppTest) -> None:
    assert not page.exception, page.exception
    assert not page.error, page.error


def starred_run() -> Run:
    return next(run for run in own_runs() if run.notes.starred)


@pytest.mark.parametrize("name", ["home", "train", "quiz"])
def test_a_page_opens(name: str) -> None:
    assert_no_error(open_page(name))


@pytest.mark.parametrize("name", ["faces", "photos"])
def test_the_datasets_page_shows_a_dataset(name: str) -> None:
    page = open_page("datasets", dataset=name)
    assert_no_error(page)
    assert {"Classes", "Faces", "Quality"} <= {tab.label for tab in page.tabs}


@pytest.mark.parametrize("state", STATES)
def test_the_train_page_shows_a_run_in_every_state(state: TaskState) -> None:
    run = next(run for run in own_runs() if run.state is state)
    page = open_page("train", run=run.id)
    assert not page.exception
    assert bool(page.error) == (state is TaskState.FAILED)


def test_the_runs_page_lists_and_compares_the_runs() -> None:
    page = open_page("runs")
    listed = page.dataframe[0].value["id"].tolist()
    assert len(listed) == len([run for run in list_runs() if not run.notes.archived])
    page.session_state[page.dataframe[0].key] = {"selection": {"rows": list(range(len(listed)))}}
    assert_no_error(rerun(page))


@pytest.mark.parametrize("split", ["val", "test", "other"])
@pytest.mark.parametrize("is_shipped", [False, True], ids=["own", "pretrained"])
def test_the_evaluate_page_shows_every_split(split: str, is_shipped: bool) -> None:
    page = open_page("evaluate", run=SHIPPED if is_shipped else starred_run().id)
    page.segmented_control[0].set_value(split)
    page = rerun(page)
    if split == "other" and not is_shipped:
        assert "by an earlier version" in page.error[0].value  # the evaluation that was queued
    else:
        assert_no_error(page)


@pytest.mark.parametrize("source", ["Files", "Video"])
def test_the_predict_page_opens(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.components.shared.models.preload", lambda run, tta: None)
    page = open_page("predict", run=SHIPPED)
    page.segmented_control[0].set_value(source)
    assert_no_error(rerun(page))
