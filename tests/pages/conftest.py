"""Fixtures that write runs to disk as training does, and open pages under AppTest."""

import functools
import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from fer_core import runs
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.expressions import EXPRESSIONS
from fer_core.runs import records
from fer_core.runs.recipes import RECIPES
from fer_core.runs.run import Run
from fer_core.storage import paths
from fer_core.storage.files import write_json
from fer_core.tasks import queue
from fer_core.tasks import task as tasks
from pages.components.shared import errors

APP = Path(__file__).parents[2] / "streamlit_app.py"

RunFactory = Callable[..., Run]
PageOpener = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def installed_components() -> Iterator[None]:
    """Lets every AppTest have what the first one found: Streamlit reads the metadata of all
    installed packages at each start, which takes 0.4 s."""
    with pytest.MonkeyPatch.context() as patched:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patched.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(autouse=True)
def frozen_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the imports frozen when the app freezes anew: thawing them takes 0.4 s each time."""
    monkeypatch.setattr(gc, "unfreeze", lambda: None)


def predictions(images: int, accuracy: float, seed: int = 0) -> pd.DataFrame:
    """Returns predictions with cycling labels; the first `accuracy × images` are correct."""
    rng = np.random.default_rng(seed)
    truth = np.arange(images) % len(EXPRESSIONS)
    answers = (truth + (np.arange(images) >= round(accuracy * images))) % len(EXPRESSIONS)
    probabilities = rng.dirichlet(np.ones(len(EXPRESSIONS)), images)
    probabilities[np.arange(images), answers] += 1
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    table = pd.DataFrame({"path": [f"{n}.png" for n in range(images)], "row": ""})
    table["expression"] = [EXPRESSIONS[label] for label in truth]
    table[[f"p_{name}" for name in EXPRESSIONS]] = probabilities
    return table


def write_history(run: Run, epochs: int) -> None:
    """Writes a plausible history and steps of a training."""
    epoch = np.arange(epochs)
    gain = 0.5 * (1 - np.exp(-epoch / 6))
    history = pd.DataFrame({"epoch": epoch, "loss": 1.9 - 2 * gain, "accuracy": 0.2 + gain})
    history["val_loss"] = 1.9 - 1.8 * gain
    history["val_accuracy"] = 0.2 + 0.8 * gain
    history["learning_rate"], history["seconds"] = 1e-4, 30.0
    history.to_csv(run.directory / "history.csv", index=False)
    step = np.arange(1, 30 * epochs + 1)
    steps = pd.DataFrame({"step": step, "epoch": step / 30})
    steps["loss"] = 1.9 - (1 - np.exp(-steps["epoch"] / 6)) + 0.03 * np.sin(step)
    steps["accuracy"] = 0.7 - 0.5 * np.exp(-steps["epoch"] / 6) + 0.01 * np.sin(step)
    steps["images_per_second"], steps["learning_rate"] = 900.0, 1e-4
    steps.to_csv(run.directory / "steps.csv", index=False)


def take(run: Run, attempt: int = 0) -> Path:
    """Creates the directory of an attempt whose process is no longer alive."""
    directory = run.directory / "attempts" / str(attempt)
    directory.mkdir(parents=True, exist_ok=True)
    request = {"kind": "train", "arguments": {}, "submitted": time.time()}
    write_json(directory / "request.json", request)
    write_json(directory / "process.json", {"pid": 0, "created": 0.0, "started": time.time()})
    return directory


@pytest.fixture
def new_run(workspace: Path) -> RunFactory:
    """Returns a function that makes runs with settings and nothing more."""

    def make(recipe: str = "cnn_classic", dataset: str = "drawn") -> Run:
        config = RECIPES[recipe].config.to_dict() | {"dataset": dataset}
        directory = tasks.new_directory(paths.runs_root(), f"{recipe}_{dataset}")
        write_json(directory / "config.json", config)
        return Run(directory)

    return make


@pytest.fixture
def finished_run(new_run: RunFactory) -> RunFactory:
    """Returns a function that makes finished runs, with the test split sealed or opened."""

    def make(recipe: str = "cnn_classic", epochs: int = 50, *, opened: bool = False) -> Run:
        run = new_run(recipe)
        images = {"train": 700, "val": 140, "test": 140}
        counts = {split: [number // 7] * 7 for split, number in images.items()}
        record = {"class_names": list(EXPRESSIONS), "counts": counts}
        write_json(run.directory / "dataset.json", record)
        write_json(take(run) / "exit.json", {"code": 0, "signal": None, "ended": time.time()})
        write_history(run, epochs)
        (run.directory / "model.keras").write_bytes(b"not really a model")
        (run.directory / "predictions").mkdir()
        predictions(140, 0.6).to_csv(run.predictions_file("val"), index=False)
        if opened:
            predictions(140, 0.5).to_csv(run.predictions_file("test"), index=False)
            write_json(
                run.predictions_file("test").with_suffix(".json"),
                {"opened": ["2026-03-01T12:30:00"]},
            )
        runs.save_result(run, records.Result(records.COMPLETED, epochs, epochs - 1, 1.1, 0.6))
        return run

    return make


def drawn_run(finished_run: RunFactory) -> Run:
    """Returns a finished run with predictions for an existing dataset of drawn faces."""
    dataset = draw_dataset("drawn", count=140)
    run = finished_run()
    table = predictions(140, 0.6).assign(**dataset.index[["path", "row", "expression"]])
    table.to_csv(run.predictions_file("val"), index=False)
    return run


@pytest.fixture
def open_page() -> PageOpener:
    """Returns a function that opens a page with the given address parameters."""

    def open_page(name: str, **address: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=120)
        app.switch_page(f"pages/{name}.py")
        app.query_params.update(address)
        return rerun(app)

    return open_page


def rerun(app: AppTest) -> AppTest:
    """Runs the page again and asserts that nothing was raised."""
    app.run()
    assert not app.exception, app.exception
    return app


def unfold(app: AppTest, key: str) -> AppTest:
    """Opens an expander whose content is drawn when it is opened, and runs the page."""
    app.session_state[key] = True
    return rerun(app)


def text_of(page: AppTest) -> str:
    """Returns what the page says outside its widgets."""
    kinds = (page.markdown, page.info, page.success, page.warning, page.error)
    kinds += (page.caption, page.subheader, page.code)
    return "\n".join(element.value for kind in kinds for element in kind)


def press(app: AppTest, label: str) -> AppTest:
    """Clicks the only button with that label and runs the page."""
    (button,) = [button for button in app.button if button.label == label]
    button.click()
    return rerun(app)


@pytest.fixture(autouse=True)
def raised_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves uncaught exceptions in `at.exception`, where tests look for them."""
    monkeypatch.setattr(errors, "handle_uncaught_errors", lambda: None)


@pytest.fixture
def no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts no supervisor: submitted tasks stay queued."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)
