"""Measures the pages with many runs.

    python -m tests.benchmarks.runs_page [--runs 1000] [--opened 100]

Creates runs of 50 epochs in a temporary workspace, some of them with an opened test split of
FER2013's size. Opens every page twice and prints the CPU seconds. These include the test client and
Streamlit itself: the first line is a page with nothing but a title.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from streamlit.testing.v1 import AppTest

from fer_core.expressions import EXPRESSIONS
from fer_core.runs import records
from fer_core.runs.recipes import RECIPES
from fer_core.runs.run import Run
from fer_core.runs.writers import save_predictions, save_result
from fer_core.storage import paths
from fer_core.storage.files import write_json
from fer_core.tasks.processes import process_record
from tests.pages.conftest import APP, predictions, take, write_history

EPOCHS = 50
TEST_IMAGES = 3589
MORE_SHOWN = 3


def make_run(number: int, opened: bool) -> Run:
    """Creates a finished run as training leaves it, with a dummy model file."""
    recipe = list(RECIPES)[number % len(RECIPES)]
    dataset = f"faces-{number % 7}"
    name = f"20260101-{number // 60:04}{number % 60:02}_{recipe}_{dataset}"
    run = Run(paths.runs_root() / name)
    run.predictions_file("val").parent.mkdir(parents=True)
    config = replace(RECIPES[recipe].config, dataset=dataset, epochs=EPOCHS)
    write_json(run.directory / "config.json", config.to_dict(), durable=False)
    counts = {split: [100] * 7 for split in ("train", "val", "test")}
    record = {"class_names": list(EXPRESSIONS), "counts": counts}
    write_json(run.directory / "dataset.json", record, durable=False)
    write_json(take(run) / "exit.json", {"code": 0, "signal": None, "ended": time.time()})
    write_history(run, EPOCHS)
    (run.directory / "model.keras").write_bytes(b"not really a model")
    save_predictions(run, "val", predictions(140, 0.6, number))
    if opened:
        save_predictions(run, "test", predictions(TEST_IMAGES, 0.5, number))
        look = {"opened": ["2026-03-01T12:30:00"]}
        write_json(run.predictions_file("test").with_suffix(".json"), look)
    save_result(run, records.Result(records.COMPLETED, EPOCHS, EPOCHS - 1, 1.1, 0.6))
    return run


def processor_seconds(action: Callable[[], object]) -> float:
    """Returns the CPU seconds that all threads of this process spent on it."""
    before = time.process_time()
    action()
    return time.process_time() - before


def measure(name: str) -> None:
    """Opens a page, reruns it several times, and prints a line."""
    page = AppTest.from_file(str(APP), default_timeout=120)
    page.switch_page(f"pages/{name}.py")
    first = processor_seconds(page.run)
    again = [processor_seconds(page.run) for _ in range(MORE_SHOWN)]
    assert not page.exception, page.exception
    print(f"{name}: {first:.2f} s first, {min(again):.2f} s again", flush=True)  # noqa: T201


def measure_choices() -> None:
    """Measures what a user does on the Runs page."""
    page = AppTest.from_file(str(APP), default_timeout=120)
    page.switch_page("pages/runs.py").run()
    key = page.dataframe[0].key
    for rows in (1, 5, 50):
        page.session_state[key] = {"selection": {"rows": list(range(rows))}}
        print(f"{rows} selected: {processor_seconds(page.run):.2f} s")  # noqa: T201
        assert not page.exception, page.exception
    page.text_input[0].set_value("faces-3")
    print(f"search for a word: {processor_seconds(page.run):.2f} s")  # noqa: T201


def main(arguments: Sequence[str] | None = None) -> None:
    """Creates the runs and measures every page that lists them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--opened", type=int, default=100)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as home:
        os.environ["FER_HOME"] = str(Path(home))
        for number in range(options.runs):
            make_run(number, number < options.opened)
        alive = process_record() | {"started": time.time()}
        running = make_run(options.runs, opened=False)
        (running.attempts[0] / "exit.json").unlink()
        write_json(running.attempts[0] / "process.json", alive)
        nothing = AppTest.from_string("import streamlit as st\nst.title('Nothing')")
        nothing.run()
        print(f"empty page: {processor_seconds(nothing.run):.2f} s again")  # noqa: T201
        for name in ("home", "train", "runs", "evaluate", "predict"):
            measure(name)
        measure_choices()


if __name__ == "__main__":
    main()
