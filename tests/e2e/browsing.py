"""How journeys drive the app in a browser: every act waits for the state it needs.

A journey presses what stands still, once, and waits for the effect it expects. Nothing here
sleeps or presses twice: a press that is lost is a fault of the app.
"""

import base64
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fer_core.expressions import EXPRESSIONS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PATIENCE = 120.0  # seconds; a process that loads TensorFlow may wait for busy cores
# Of the first face; a model that has hardly learned is not sure.
ANSWER = re.compile(rf"^1 · ({'|'.join(EXPRESSIONS)}|not sure)$")

# Labels that several journeys press; others are named where they are used.
START, STOP = "Start training", "Stop training"
DATASETS = "/datasets"  # ends the address of the page's link

# Charts by the keys of their elements.
MATRIX = "[class*=st-key-confusion] .js-plotly-plot"
MAP = "[class*=st-key-map-chart] .js-plotly-plot"
# Whether a chart is drawn, and takes clicks like that.
_TAKES_CLICKS = """([chart, clicks]) =>
    document.querySelector(chart)?._fullLayout?.clickmode === clicks"""
# Resolves when an element has stood in the same place of the window for that many frames.
_STANDS_STILL = """(element, frames) => new Promise((done) => {
    let before = '', same = 0;
    const look = () => {
        const box = element.getBoundingClientRect();
        const place = [box.x, box.y, box.width, box.height].join();
        same = place === before ? same + 1 : 0;
        before = place;
        same < frames ? requestAnimationFrame(look) : done();
    };
    look();
})"""
_FRAMES = 10
# Pictures and labels of all galleries, which are drawn in shadow roots.
_TILES = """[...document.querySelectorAll('*')].flatMap((one) =>
    one.shadowRoot ? [...one.shadowRoot.querySelectorAll('.tile')] : [])"""


def wait_until(true: Callable[[], object], what: str = "the condition") -> None:
    """Returns when something outside the browser is true: a file, a process, a state of a run."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.05)


def open_page(page: "Page", address: str) -> None:
    """Opens an address of the app and waits until its page stands there."""
    page.goto(address)
    page.get_by_role("heading", level=1).wait_for()
    settled(page)


def settled(page: "Page") -> None:
    """Returns when the page's script is through: until then, what is shown may be drawn again."""
    page.locator("[data-test-script-state=notRunning]").wait_for(state="attached")


def press(target: "Locator", effect: "Locator", state: str = "visible") -> None:
    """Presses once what stands still on a page at rest, and waits for the effect."""
    settled(target.page)
    target.click()
    effect.wait_for(state=state)  # type: ignore[arg-type]


def no_exception(page: "Page") -> None:
    assert page.get_by_test_id("stException").count() == 0


def take_photo(page: "Page") -> None:
    """On the page Predict, takes a picture of the face before the camera."""
    page.get_by_role("radio", name="Camera").click()
    page.wait_for_function("document.querySelector('video')?.currentTime > 0.5")
    page.get_by_role("button", name="Take photo").click()


def stand_still(element: "Locator") -> None:
    """Brings an element into the window and returns when it moves no more."""
    element.scroll_into_view_if_needed()
    element.evaluate(_STANDS_STILL, _FRAMES)


def chart_at_rest(page: "Page", chart: str, clicks: str = "event+select") -> "Locator":
    """Returns the surface of a chart, once it stands still and takes such clicks."""
    settled(page)
    page.wait_for_function(_TAKES_CLICKS, arg=[chart, clicks])
    surface = page.locator(chart).locator(".nsewdrag").first
    stand_still(surface)
    return surface


def press_in_chart(page: "Page", chart: str, across: float, down: float, said: "Locator") -> None:
    """Presses a chart once, at shares of its width and height, and waits for what it brings."""
    box = chart_at_rest(page, chart).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])
    said.wait_for()


def labels(page: "Page", wanted: list[str]) -> None:
    """Returns when all galleries together have these labels, in that order."""
    page.wait_for_function(
        f"labels => JSON.stringify({_TILES}.map((one) => "
        "one.querySelector('.label').textContent)) === JSON.stringify(labels)",
        arg=wanted,
    )


def tiles(page: "Page", pictures: list[bytes], last: bool = False) -> None:
    """Returns when these JPEG files are shown in the galleries: all of them, or the last ones."""
    wanted = [base64.b64encode(picture).decode() for picture in pictures]
    page.wait_for_function(
        "([wanted, last]) => {"
        f" const shown = {_TILES}.map((one) => one.querySelector('img')?.src.split(',')[1]);"
        " const same = last ? shown.slice(-wanted.length) : shown;"
        " return JSON.stringify(same) === JSON.stringify(wanted); }",
        arg=[wanted, last],
    )


def download(page: "Page", button: str, name: str | None = None) -> Path:
    """Presses a download button and returns the file, which is offered under that name."""
    settled(page)
    with page.expect_download() as expected:
        page.get_by_role("button", name=button).click()
    assert name in (None, expected.value.suggested_filename)
    return Path(expected.value.path())
