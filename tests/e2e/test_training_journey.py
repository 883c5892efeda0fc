"""From an empty machine to an expression named by one's own network, in a browser."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fer_core import records, runs
from tests.e2e.conftest import ANSWER, serve, take_photo

if TYPE_CHECKING:
    from playwright.sync_api import Page

# How far the training curve reaches, in epochs.
END = "Math.max(...document.querySelector('.live-plot')?._fullData?.[0]?.x ?? [0])"


def test_a_newcomer_trains_a_network_and_tries_it(
    page: "Page", new_home: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = new_home()
    monkeypatch.setenv("FER_HOME", str(home))
    with serve(home) as address:
        page.goto(address)
        draw_faces(page)
        start_training(page)
        watch_and_reload(page)
    with serve(home) as address:  # the first server is gone, the training is not
        page.goto(f"{address}/train")
        stop_training(page)
        (run,) = runs.list_runs()
        assert run.result is not None
        assert run.result.reason == records.STOPPED
        assert len(run.history) >= 1
        look_at_confusion(page)
        try_it(page)


def draw_faces(page: "Page") -> None:
    page.get_by_role("button", name="Draw faces").click()
    page.get_by_text("is ready").wait_for()
    page.get_by_role("link", name="Train a network").click()


def start_training(page: "Page") -> None:
    page.get_by_role("button", name="Start training").click()
    page.get_by_role("button", name="Stop training").wait_for()


def watch_and_reload(page: "Page") -> None:
    """The curve moves by itself, and is still there, and moves, after a reload."""
    page.wait_for_function(f"{END} > 0")
    before = page.evaluate(END)
    page.wait_for_function(f"{END} > {before}")
    page.reload()
    page.wait_for_function(f"{END} > {before}")
    assert page.get_by_role("button", name="Stop training").is_visible()


def stop_training(page: "Page") -> None:
    """After the first epoch, so that there is a model."""
    page.get_by_text(re.compile(r"^([2-9]|\d\d) of 50$")).wait_for()
    page.get_by_role("button", name="Stop training").click()
    page.get_by_text("stopped", exact=True).wait_for()


def look_at_confusion(page: "Page") -> None:
    page.get_by_role("link", name="Evaluate").first.click()
    page.get_by_role("heading", name="Evaluate").wait_for()
    page.locator(".js-plotly-plot .heatmaplayer").first.wait_for()


def try_it(page: "Page") -> None:
    page.get_by_role("link", name="Predict").first.click()
    page.get_by_role("heading", name="Predict").wait_for()
    take_photo(page)
    page.get_by_text(ANSWER).wait_for()
    assert page.get_by_test_id("stException").count() == 0
