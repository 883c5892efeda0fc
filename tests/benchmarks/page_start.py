"""Measures how long a page of a fresh server takes to stand in the browser.

    python -m tests.benchmarks.page_start [--tries 5] [--pages home train …]

Starts a server on a workspace with a dataset of drawn faces and a finished run, opens one page in
Chromium, and stops the clock when its script is through. Prints the medians of the seconds since
the server was started and of the CPU seconds of the server and of the browser until the charts
stand too, which a busy machine changes less. "bare" is a Streamlit app with nothing but a title.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from fer_core.datasets.synthetic.generate import draw_dataset
from tests.benchmarks.evaluate_page import make_run
from tests.e2e.browsing import open_page
from tests.e2e.serving import APP, chromium, serve
from tests.pages.conftest import write_history

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = ("bare", "home", "runs", "quiz", "datasets", "evaluate", "train")
CHARTS = {"train": ".live-plot .main-svg", "datasets": ".js-plotly-plot .main-svg"}
EPOCHS = 50
FACES = 2100


def open_once(browser: "Browser", page: str, folder: Path) -> tuple[float, float, float]:
    """Returns the seconds until a page of a fresh server is at rest, and the server's and the
    browser's CPU time."""
    app = folder / "bare.py" if page == "bare" else APP
    address = "" if page in ("bare", "home") else page
    before = browser_times()
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    tab = context.new_page()
    started = time.perf_counter()
    with serve(folder / "home", app=app) as server:
        open_page(tab, f"{server.address}/{address}")
        seconds = time.perf_counter() - started
        if page in CHARTS:
            tab.wait_for_selector(CHARTS[page])
        times = psutil.Process(server.pid).cpu_times()
        drawing = sum(spent - before.get(pid, 0.0) for pid, spent in browser_times().items())
        context.close()
    return seconds, times.user + times.system, drawing


def browser_times() -> dict[int, float]:
    """Returns the CPU seconds of each of the browser's processes."""
    spent = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "chrom" in process.name():
                times = process.cpu_times()
                spent[process.pid] = times.user + times.system
    return spent


def main(arguments: Sequence[str] | None = None) -> None:
    """Creates the workspace, opens every page several times in turn, and prints the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tries", type=int, default=5)
    parser.add_argument("--pages", nargs="+", choices=PAGES, default=PAGES)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        os.environ["FER_HOME"] = str(Path(folder) / "home")
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's second start finds bytecode
        (Path(folder) / "bare.py").write_text("import streamlit as st\nst.title('Bare')\n")
        write_history(make_run(draw_dataset("faces", count=FACES)), EPOCHS)
        measured: dict[str, list[tuple[float, float, float]]] = {page: [] for page in options.pages}
        for _ in range(options.tries):
            for page, found in measured.items():
                found.append(open_once(browser, page, Path(folder)))
    for page, found in measured.items():
        seconds, *busy = (statistics.median(values) for values in zip(*found, strict=True))
        print(f"{page:<10} {seconds:5.2f} s, CPU seconds {busy[0]:5.2f} + {busy[1]:5.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
