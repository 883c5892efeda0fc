"""Measures how long a page of a fresh server takes to stand in the browser.

    python -m tests.benchmarks.page_start [--tries 5] [--pages home train …]

Starts a server on a workspace with a dataset of drawn faces and a finished run, opens one page in
Chromium, and stops the clock when its script is through. Prints the medians of the seconds since
the server was started and of the server's CPU seconds, which a busy machine changes less. "bare" is
a Streamlit app with nothing but a title.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
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
EPOCHS = 50
FACES = 2100


def open_once(browser: "Browser", page: str, folder: Path) -> tuple[float, float]:
    """Returns the seconds until a page of a fresh server is at rest, and the server's CPU time."""
    app = folder / "bare.py" if page == "bare" else APP
    address = "" if page in ("bare", "home") else page
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    tab = context.new_page()
    started = time.perf_counter()
    with serve(folder / "home", app=app) as server:
        open_page(tab, f"{server.address}/{address}")
        seconds = time.perf_counter() - started
        times = psutil.Process(server.pid).cpu_times()
        context.close()
    return seconds, times.user + times.system


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
        measured: dict[str, list[tuple[float, float]]] = {page: [] for page in options.pages}
        for _ in range(options.tries):
            for page, found in measured.items():
                found.append(open_once(browser, page, Path(folder)))
    for page, found in measured.items():
        seconds, busy = (statistics.median(values) for values in zip(*found, strict=True))
        print(f"{page:<10} {seconds:5.2f} s, {busy:5.2f} CPU seconds")  # noqa: T201


if __name__ == "__main__":
    main()
