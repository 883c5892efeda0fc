"""Watching a run in a real browser: what a person set up outlasts what happens to the run."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from fer_core.runs.recipes import RECIPES
from fer_core.runs.run import Run
from fer_core.storage import paths
from fer_core.storage.files import write_json
from fer_core.tasks import task as tasks
from fer_core.tasks.task import Progress
from tests.e2e.browsing import stand_still
from tests.e2e.test_live_plot import STATE
from tests.pages.conftest import take, write_history

if TYPE_CHECKING:
    from playwright.sync_api import Page

TAB_VISIBILITY = """hidden => {
  Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""

RECEIVED = "() => document.querySelector('.live-plot').figure"


@dataclass(frozen=True)
class Watching:
    """A tab that shows a run, and the record of a process that stands in for the trainer."""

    tab: "Page"
    run: Run
    trainer: dict[str, Any]

    def begin(self, attempt: int, epochs: int) -> None:
        """The run trains, and has so many whole epochs behind it."""
        write_history(self.run, epochs)
        self.run.save_progress(Progress(50, 1000, rate=900, seconds_left=60))
        record = self.trainer | {"started": time.time()}
        write_json(take(self.run, attempt) / "process.json", record)

    def drawn_to(self, epoch: float) -> None:
        """Returns when the line on the screen ends there."""
        self.tab.wait_for_function(f"Math.abs(({STATE})().end - {epoch}) < 0.01")


@pytest.fixture
def watching(
    page: "Page",
    address: str,
    trainer: dict[str, Any],
) -> Iterator[Watching]:
    """A run in its sixth epoch, zoomed in, with the validation hidden."""
    run = Run(tasks.new_directory(paths.runs_root(), "cnn_classic_drawn"))
    config = RECIPES["cnn_classic"].config.to_dict() | {"dataset": "drawn"}
    write_json(run.directory / "config.json", config)
    watching = Watching(page, run, trainer)
    watching.begin(attempt=0, epochs=5)
    page.goto(f"{address}/train?run={run.id}")
    page.wait_for_selector(".live-plot .main-svg")
    surface = page.locator(".live-plot .nsewdrag").first
    stand_still(surface)
    box = surface.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 100, steps=5)
    page.mouse.up()
    page.locator(".live-plot .legendtoggle").nth(2).click()
    page.wait_for_function(f"({STATE})().visible[2] === 'legendonly'")
    yield watching


def test_zoom_and_hidden_traces_survive_an_interruption_and_a_resume(
    watching: Watching,
) -> None:
    tab, run = watching.tab, watching.run
    before = tab.evaluate(STATE)
    ended = {"code": 0, "signal": 9, "ended": time.time()}
    write_json(run.directory / "attempts" / "0" / "exit.json", ended)
    resume = tab.get_by_role("button", name="Resume training")
    resume.wait_for()
    watching.begin(attempt=1, epochs=3)
    resume.click()  # somebody was quicker: the page says so, and shows that it trains
    tab.get_by_role("button", name="Stop training").wait_for()
    watching.drawn_to(3)
    write_history(run, epochs=6)
    watching.drawn_to(6)
    after = tab.evaluate(STATE)
    assert after["zoom"] == before["zoom"]
    assert after["visible"] == before["visible"]


def test_a_background_tab_draws_nothing_until_it_is_visible(watching: Watching) -> None:
    tab = watching.tab
    watching.drawn_to(5)
    tab.evaluate(TAB_VISIBILITY, True)
    old = tab.evaluate(RECEIVED)
    write_history(watching.run, epochs=7)
    tab.get_by_role("button", name="Stop training").click()
    tab.wait_for_function(f"old => ({RECEIVED})() !== old", arg=old)
    assert tab.evaluate(STATE)["end"] == 5
    tab.evaluate(TAB_VISIBILITY, False)
    watching.drawn_to(7)
