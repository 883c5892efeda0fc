"""From an empty machine to an expression named by one's own network, in a browser."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from fer_core import runs
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs import records
from fer_core.runs.run import Run
from fer_core.tasks.task import TaskState
from tests.e2e.browsing import ANSWER, PATIENCE, open_page, settled, take_photo, wait_until
from tests.e2e.serving import Server, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# How far the training curve reaches, in epochs.
END = "Math.max(...document.querySelector('.live-plot')?._fullData?.[0]?.x ?? [0])"
# The epochs of which it shows the validation loss.
EPOCHS = """[...(document.querySelector('.live-plot')?._fullData
    ?.find(trace => trace.name == 'Validation')?.x ?? [])]"""
# Presses the button at that time, in ms since 1970.
PRESS_AT = """at => {
    const label = 'Start training';
    const buttons = [...document.querySelectorAll('button')];
    const button = buttons.find(button => button.innerText.includes(label));
    setTimeout(() => button.click(), at - Date.now());
}"""


def test_a_newcomer_trains_a_model_and_uses_it(page: "Page", workspace: Path) -> None:
    with serve(workspace) as server:  # of its own, since it is killed in the middle
        open_page(page, server.address)
        draw_faces(page)
        start_training(page)
        watch_and_reload(page)
    with serve(workspace) as server:  # the first one is gone, the training is not
        open_page(page, f"{server.address}/train")
        stop_training(page)
        (run,) = runs.list_runs()
        assert run.result is not None
        assert run.result.reason == records.STOPPED
        assert len(run.history) >= 1
        continue_training(page, run)
        look_at_confusion(page)
        try_it(page)


def draw_faces(page: "Page") -> None:
    page.get_by_role("button", name="Create demo dataset").click()
    page.get_by_text("is ready").wait_for()
    page.get_by_role("link", name="Train a model").click()


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


def continue_training(page: "Page", run: Run) -> None:
    """For two epochs, which follow those that were done: no gap and no double epoch."""
    done = len(run.history)
    settled(page)
    page.get_by_role("spinbutton", name="Continue for more epochs").fill("2")
    page.get_by_role("button", name="Continue training").click()
    page.get_by_text("completed", exact=True).wait_for()
    epochs = list(range(1, done + 3))
    page.wait_for_function(f"JSON.stringify({EPOCHS}) == JSON.stringify({epochs})")
    assert [epoch + 1 for epoch in run.history["epoch"]] == epochs
    assert run.steps["step"].is_monotonic_increasing and run.steps["step"].is_unique
    assert run.result is not None and run.result.epochs == done + 2


def look_at_confusion(page: "Page") -> None:
    page.get_by_role("link", name="Evaluate").first.click()
    page.get_by_role("heading", name="Evaluate").wait_for()
    page.locator(".js-plotly-plot .heatmaplayer").first.wait_for()


def try_it(page: "Page") -> None:
    page.get_by_role("link", name="Predict").first.click()
    page.get_by_role("heading", name="Predict").wait_for()
    take_photo(page)
    page.get_by_text(ANSWER).wait_for()


def test_two_simultaneous_starts_give_one_running_and_one_queued_run(
    browser: "Browser", server: Server, address: str
) -> None:
    draw_dataset("faces", count=700)
    sessions = [browser.new_context() for _ in range(2)]
    pages = [session.new_page() for session in sessions]
    for page in pages:
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"{address}/train")
        page.get_by_role("button", name="Start training").wait_for()
    at = pages[0].evaluate("Date.now()") + 2000
    for page in pages:
        page.evaluate(PRESS_AT, at)
    for page in pages:  # each sees what trains and what waits, whoever asked for it
        page.get_by_text("running", exact=True).first.wait_for()
        cancel = page.get_by_role("button", name="Cancel", exact=True)
        cancel.nth(1).wait_for(state="detached")  # both have waited for a moment
        cancel.wait_for()
    own = [run for run in runs.list_runs() if not run.is_pretrained]
    states = sorted(run.state for run in own)
    assert states == [TaskState.QUEUED, TaskState.RUNNING]
    wait_until(lambda: trainings(server.home), "the training")
    assert len(trainings(server.home)) == 1
    pages[1].get_by_role("button", name="Cancel", exact=True).click()
    pages[0].get_by_role("button", name="Cancel", exact=True).wait_for(state="detached")
    assert sorted(run.state for run in own) == [TaskState.CANCELLED, TaskState.RUNNING]
    for session in sessions:
        session.close()


def trainings(home: Path) -> list[psutil.Process]:
    """The processes that train in a workspace."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "--task" in (command := process.info["cmdline"] or []) and str(home) in command[-1]
    ]
