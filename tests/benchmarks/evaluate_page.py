"""Measures the Evaluate page with many images.

    python -m tests.benchmarks.evaluate_page [--dataset fer2013 | --images 400000]

Needs a workspace (FER_HOME) with that dataset, which is only read: a temporary workspace links to
it and contains a run with a prediction for every image. `--images` creates a dataset of that many
black images instead and also measures the Datasets page, without and with 20,000 corrections.
Prints the CPU seconds of each view, including those of the test client.
"""

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.index import write_index
from fer_core.datasets.registry import open_dataset
from fer_core.evaluation import feature_map
from fer_core.evaluation.feature_map import PCA, FaceMap, map_file, save_map
from fer_core.expressions import EXPRESSIONS
from fer_core.runs import records
from fer_core.runs.recipes import RECIPES
from fer_core.runs.records import Calibration
from fer_core.runs.run import Run
from fer_core.runs.writers import save_predictions, save_result
from fer_core.storage import paths
from fer_core.storage.files import write_json
from fer_core.tasks import task as tasks
from tests.benchmarks.runs_page import processor_seconds
from tests.pages.conftest import APP

NAME = "generated"
CORRECTED = 20_000  # images


def make_dataset(count: int) -> Dataset:
    """Creates a dataset of black images in a sparse file, which takes no space on most disks."""
    folder = paths.datasets_root() / NAME
    folder.mkdir(parents=True)
    np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (count, 48, 48)).flush()
    status = (folder / "images.npy").stat()
    row = np.arange(count)
    index = pd.DataFrame({"path": "images.npy", "row": row})
    index["expression"] = np.array(EXPRESSIONS)[row % len(EXPRESSIONS)]
    index["split"] = np.array(["train"] * 8 + ["val", "test"])[row % 10]
    index = index.assign(source_split="", size=status.st_size, modified=status.st_mtime_ns)
    write_index(folder, index.assign(content=[f"{number:064x}" for number in row]))
    np.save(folder / "mean_faces.npy", np.zeros((len(EXPRESSIONS), 48, 48, 3), np.uint8))
    record = {"layout": "Generated", "root": ".", "images": count, "split_seed": 0, "notes": []}
    write_json(folder / "data_set.json", record)
    return open_dataset(NAME)


def make_map(run: Run, dataset: Dataset, images: int) -> None:
    """Creates a feature map with the maximum number of points at random places."""
    rows = np.sort(np.random.default_rng(0).permutation(images)[: feature_map.MAX_MAP_IMAGES])
    points = np.random.default_rng(1).standard_normal((len(rows), 2)).astype("float32")
    answers = feature_map.digest(run.predictions_file("val"))
    made = FaceMap(rows, points, PCA, (0.3, 0.2), answers, "2026-03-01T12:30:00")
    save_map(map_file(run, dataset.name, "val", PCA), made)


def measure_dataset(dataset: Dataset) -> None:
    """Measures the Datasets page, first and again, without and with corrections."""
    for what in ("as it is", f"with {CORRECTED:,} corrections"):
        page = AppTest.from_file(str(APP), default_timeout=600)
        page.switch_page("pages/datasets.py")
        first = processor_seconds(page.run)
        again = min(processor_seconds(page.run) for _ in range(2))
        assert not page.exception, page.exception
        say(f"Datasets, {what}: first", first)
        say(f"Datasets, {what}: again", again)
        dataset.exclude(range(CORRECTED), "blank")


def say(what: str, seconds: float) -> None:
    """Prints a label and seconds."""
    print(f"{what:<50} {seconds:6.3f} s", flush=True)  # noqa: T201


def make_run(dataset: Dataset) -> Run:
    """Creates a finished run with a random prediction for every image, two thirds correct."""
    run = Run(tasks.new_directory(paths.runs_root(), "answers"))
    config = RECIPES["cnn_classic"].config.to_dict() | {"dataset": dataset.name}
    write_json(run.directory / "config.json", config)
    names = dataset.class_names
    record = {"class_names": names, "counts": {"train": [1] * len(names), "val": [1] * len(names)}}
    write_json(run.directory / "dataset.json", record)
    (run.directory / "model.keras").write_bytes(b"not really a model")
    rng = np.random.default_rng(0)
    table = dataset.index[["path", "row", "expression"]].reset_index(drop=True)
    table["leaked"] = rng.random(len(table)) < 0.08
    shares = rng.dirichlet(np.ones(len(names)), len(table))
    truth = table["expression"].map(names.index).to_numpy()
    right = rng.random(len(table)) < 0.5
    shares[np.arange(len(table))[right], truth[right]] += rng.random(right.sum())
    shares /= shares.sum(axis=1, keepdims=True)
    for number, name in enumerate(names):
        table[f"p_{name}"] = shares[:, number]
    (run.directory / "predictions").mkdir()
    save_predictions(run, "val", table)
    single = Calibration(1.2, 0.05, 0.02).__dict__
    write_json(run.directory / "calibration.json", {"single": single})
    save_result(run, records.Result(records.COMPLETED, 1, 0, 1.1, 0.6))
    return run


def measure(dataset: Dataset) -> None:
    """Measures and prints every view."""
    page = AppTest.from_file(str(APP), default_timeout=600)
    page.switch_page("pages/evaluate.py")

    def view(what: str) -> None:
        seconds = processor_seconds(page.run)
        assert not page.exception, page.exception
        say(what, seconds)

    view("first view, all worked out")
    view("again")
    names = dataset.class_names
    for truth, answered in zip(names[:3], names[1:4], strict=True):
        for label, value in (("True expression", truth), ("Answered", answered)):
            next(box for box in page.selectbox if box.label == label).set_value(value)
        view(f"{truth} taken for {answered}, whole page")
    for switch in ("how the network sees the faces", "whose label may be wrong"):
        next(one for one in page.toggle if switch in one.label).set_value(True)
        view(f"and {switch}, whole page")
        view("again")


def main() -> None:
    """Parses the command line and runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="fer2013")
    parser.add_argument("--images", type=int, help="create a dataset with this many images")
    options = parser.parse_args()
    source = None if options.images else open_dataset(options.dataset)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FER_HOME"] = folder
        paths.datasets_root().mkdir(parents=True)
        if source is None:
            dataset = make_dataset(options.images)
            measure_dataset(dataset)
            dataset.restore(range(CORRECTED))
        else:
            (paths.datasets_root() / source.name).symlink_to(Path(source.directory))
            dataset = open_dataset(source.name)
        make_map(make_run(dataset), dataset, len(dataset.index))
        measure(dataset)


if __name__ == "__main__":
    main()
