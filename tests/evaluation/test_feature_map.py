"""Maps of faces by the features of a tiny model that judges brightness."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from fer_core import runs
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.registry import open_dataset
from fer_core.evaluation import feature_map as face_map
from fer_core.evaluation import predictions as answers
from fer_core.evaluation.feature_map import PCA, UMAP, FaceMap, map_file, read_map
from fer_core.figures.feature_map import MOST_IN_SVG, map_figure
from fer_core.inference import feature_map_task as mapping
from fer_core.runs.listing import open_run
from fer_core.runs.run import Run
from fer_core.storage import DamagedFileError, paths
from fer_core.tasks import queue, supervisor, worker
from fer_core.tasks.exit_status import exit_file, exit_record
from fer_core.tasks.task import CancelledError, TaskState
from tests.datasets.trees import write_tree
from tests.inference.test_recognition import brightness_model, save_run

OWN = {"train/happy": 4, "train/sad": 4, "val/happy": 3, "val/sad": 3, "test/happy": 3}


def answer(run: Run, dataset: Dataset, split: str) -> pd.DataFrame:
    """Predictions for a split, the last image first."""
    index = dataset.index.iloc[dataset.select(split)[::-1]]
    table = index[["path", "row", "expression"]].astype({"row": "str"}).fillna({"row": ""})
    table = table.assign(p_sad=0.4, p_happy=0.6).reset_index(drop=True)
    run.predictions_file(split).parent.mkdir(exist_ok=True)
    runs.save_predictions(run, split, table)
    return table


@pytest.fixture
def run(workspace: Path, tmp_path: Path) -> Run:
    """A run that has answered the validation split of "tiny"."""
    dataset = import_source(write_tree(tmp_path / "own", OWN), "tiny")
    run = save_run(brightness_model())
    answer(run, dataset, "val")
    return run


def test_a_map_lays_images_out_by_the_last_features(run: Run) -> None:
    drawn = mapping.draw_map(run, "tiny", "val")
    dataset = open_dataset("tiny")
    positions = dataset.select("val")[::-1][drawn.rows]
    brightness = np.array([dataset.image(int(each)).mean() for each in positions])
    assert drawn.rows.tolist() == list(range(6))
    # The one feature is the brightness: along the first axis they lie as bright as they are.
    assert abs(np.corrcoef(brightness, drawn.points[:, 0])[0, 1]) == pytest.approx(1, abs=1e-3)
    assert drawn.explained == pytest.approx((1.0,))


def test_a_map_is_kept_and_tells_which_answers_it_is_of(run: Run) -> None:
    drawn = mapping.draw_map(run, "tiny", "val")
    kept = read_map(map_file(run, "tiny", "val", PCA))
    assert kept is not None
    assert (kept.rows == drawn.rows).all() and (kept.points == drawn.points).all()
    assert replace(kept, rows=drawn.rows, points=drawn.points).time == drawn.time
    assert kept.predictions == face_map.digest(run.predictions_file("val"))
    answer(run, open_dataset("tiny"), "train")
    assert kept.predictions != face_map.digest(run.predictions_file("train"))


def test_images_that_are_gone_from_the_data_set_are_left_out(run: Run) -> None:
    table = run.predictions("val")
    assert table is not None
    table.loc[2, "path"] = "elsewhere.png"
    runs.save_predictions(run, "val", table)
    assert mapping.draw_map(run, "tiny", "val").rows.tolist() == [0, 1, 3, 4, 5]
    runs.save_predictions(run, "val", table.assign(path="elsewhere.png"))
    with pytest.raises(ValueError, match="at least 3 of the predicted images.* Received: 0 of 6"):
        mapping.draw_map(run, "tiny", "val")


def test_the_test_split_has_no_map_while_it_is_sealed(run: Run) -> None:
    with pytest.raises(ValueError, match="has no predictions for tiny, test"):
        face_map.submit_map(run, "tiny", "test")
    answer(run, open_dataset("tiny"), "test")
    assert len(mapping.draw_map(run, "tiny", "test").rows) == 3


@pytest.mark.parametrize(
    ("dataset", "split", "method", "says"),
    [
        ("tiny", "val", "tsne", "must be pca or umap. Received: tsne"),
        ("tiny", "../val", PCA, "The split must be"),
        ("../tiny", "val", PCA, "is not a valid dataset name"),
        ("other", "train", PCA, "has no predictions for other"),
    ],
)
def test_a_map_that_cannot_be_drawn_is_refused_before_anybody_waits(
    run: Run, dataset: str, split: str, method: str, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        face_map.submit_map(run, dataset, split, method)
    assert not queue.waiting()


def test_a_run_without_a_model_is_refused(run: Run) -> None:
    (run.directory / "model.keras").unlink()
    with pytest.raises(ValueError, match="must have ended with a model"):
        face_map.submit_map(run, "tiny", "val")


def test_umap_is_offered_where_it_is_installed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_map, "find_spec", lambda name: None)
    assert face_map.methods() == (PCA,)
    with pytest.raises(ValueError, match="needs the package umap-learn"):
        face_map.submit_map(run, "tiny", "val", UMAP)

    class Mirror:  # in the place of UMAP
        def __init__(self, n_neighbors: int, random_state: int, n_jobs: int) -> None:
            assert n_neighbors == 5  # of six images
            assert (random_state, n_jobs) == (0, 1)

        def fit_transform(self, features: np.ndarray) -> np.ndarray:
            return -features[:, :2]

    monkeypatch.setattr(face_map, "find_spec", lambda name: name == "umap")
    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Mirror))
    by_umap = mapping.draw_map(run, "tiny", "val", UMAP)
    by_pca = mapping.draw_map(run, "tiny", "val", PCA)
    assert by_umap.points == pytest.approx(-by_pca.points, abs=1e-6)
    assert by_umap.explained == ()
    assert read_map(map_file(run, "tiny", "val", UMAP)) is not None


def test_a_map_that_is_stopped_leaves_the_one_that_was_there(run: Run) -> None:
    mapping.draw_map(run, "tiny", "val")
    file = map_file(run, "tiny", "val", PCA)
    before = file.read_bytes()

    def stop(done: int, total: int) -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        mapping.draw_map(run, "tiny", "val", progress=stop)
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_task_draws_it_in_the_queue_and_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)
    task = face_map.submit_map(run, "tiny", "val")
    with pytest.raises(ValueError, match="already"):
        face_map.submit_map(run, "tiny", "val")
    attempt = supervisor.take(task)
    assert attempt is not None and worker.work(task) == 0, task.error
    exit_file(attempt).write_text(exit_record(0))
    assert task.state is TaskState.FINISHED
    assert face_map.maps_of(run, "tiny", "val") == [task]
    assert not face_map.maps_of(run, "tiny", "test")
    assert read_map(map_file(run, "tiny", "val", PCA)) is not None


def test_what_ships_with_the_program_is_not_written_into(run: Run) -> None:
    shutil.copytree(run.directory, paths.pretrained_root() / "small")
    shipped = open_run("small")
    before = sorted(shipped.directory.rglob("*"))
    mapping.draw_map(shipped, "tiny", "val")
    assert sorted(shipped.directory.rglob("*")) == before
    assert map_file(shipped, "tiny", "val", PCA).is_relative_to(paths.workspace())


def test_a_damaged_map_is_told_from_one_that_was_never_computed(run: Run) -> None:
    mapping.draw_map(run, "tiny", "val")
    file = map_file(run, "tiny", "val", PCA)
    whole = file.read_bytes()
    for damage in (b"", b"no map", whole[: len(whole) // 2]):
        file.write_bytes(damage)
        with pytest.raises(DamagedFileError):
            read_map(file)
    np.savez(file, rows=np.arange(3), points=np.zeros((3, 2)), record='{"made": "today"}')
    with pytest.raises(DamagedFileError):
        read_map(file)
    file.unlink()
    assert read_map(file) is None


def test_a_sample_keeps_the_shares_of_the_classes_and_one_of_each() -> None:
    labels = pd.Series(["happy"] * 8000 + ["sad"] * 1990 + ["disgust"] * 10)
    chosen = face_map.sample(labels, 1000)
    counts = labels.iloc[chosen].value_counts()
    assert len(set(chosen.tolist())) == 1000 and (np.diff(chosen) > 0).all()
    assert counts["happy"] == pytest.approx(800, abs=2)
    assert counts["sad"] == pytest.approx(199, abs=2)
    assert counts["disgust"] >= 1
    assert set(labels.iloc[face_map.sample(labels, 3)]) == {"happy", "sad", "disgust"}
    assert face_map.sample(labels[:5], 5).tolist() == [0, 1, 2, 3, 4]


def table_of(truths: list[str], answered: list[str]) -> pd.DataFrame:
    """Answers, of which each is given with certainty."""
    table = pd.DataFrame({"path": [f"{n}.png" for n in range(len(truths))], "row": ""})
    table["expression"] = truths
    for name in ("sad", "happy"):
        table[f"p_{name}"] = [float(each == name) for each in answered]
    return answers.with_predicted_label(table)


def drawn_at(points: np.ndarray, rows: np.ndarray) -> FaceMap:
    return FaceMap(rows, points.astype("float32"), PCA, (0.5, 0.2), "", "2026-03-01T12:30:00")


def test_a_point_knows_its_row_its_class_and_whether_it_was_recognised() -> None:
    table = table_of(["sad", "happy", "fear", "sad", "sad"], ["sad", "sad", "happy", "sad", "sad"])
    drawn = drawn_at(np.array([[0, 1], [2, 3], [4, 5], [6, 7]]), np.array([0, 1, 2, 4]))
    figure, rows = map_figure(drawn, table, ("sad", "happy"))
    traces = {trace.name: (trace, list(row)) for trace, row in zip(figure.data, rows, strict=True)}
    assert {name: row for name, (_, row) in traces.items()} == {
        "sad": [0, 4],
        "happy, wrong": [1],
        "fear, wrong": [2],  # a class that the network does not know
    }
    sad, _ = traces["sad"]
    assert list(zip(sad.x, sad.y, strict=True)) == [(0, 1), (6, 7)]
    assert sad.marker.symbol == "circle" and traces["fear, wrong"][0].marker.symbol == "x"
    assert list(traces["fear, wrong"][0].text) == ["happy"]


@pytest.mark.parametrize(
    ("count", "kind"), [(MOST_IN_SVG, "scatter"), (MOST_IN_SVG + 1, "scattergl")]
)
def test_many_points_are_drawn_by_webgl(count: int, kind: str) -> None:
    table = table_of(["sad"] * count, ["sad"] * count)
    points = np.random.default_rng(0).random((count, 2))
    figure, _ = map_figure(drawn_at(points, np.arange(count)), table, ("sad", "happy"))
    assert {trace.type for trace in figure.data} == {kind}
