"""The live figure in a real browser: what a person set up survives, and little is sent."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.browsing import stand_still
from tests.e2e.serving import serve

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGE = """
import numpy as np, pandas as pd, streamlit as st
from fer_core.figures import HISTORY_HEIGHT, history_figure
from pages.components.shared.live_plot import live_plot
from pages.components.shared.plotly_script import script_route

@st.fragment(run_every=0.3)
def live():
    count = st.session_state["count"] = st.session_state.get("count", 20_000) + 100
    epoch = np.arange(count) / 1000
    steps = pd.DataFrame({"epoch": epoch, "loss": 2 / (1 + epoch), "accuracy": 1 - 1 / (1 + epoch)})
    history = pd.DataFrame({"epoch": np.arange(count // 1000)})
    history[["loss", "accuracy", "val_loss", "val_accuracy"]] = 0.5
    live_plot(history_figure(history, steps).to_json(), "curves", HISTORY_HEIGHT)
    st.write(f"refresh {count}")

if __name__ == "__main__":
    st.set_page_config(layout="wide")
    live()
    st.button("Again")
else:
    app = st.App(__file__, routes=[script_route()])
"""
STATE = """() => {
  const plot = document.querySelector('.live-plot');
  if (!plot?._fullLayout) return null;  // the page is just drawing it anew
  const {xaxis, yaxis} = plot._fullLayout;
  return {
    zoom: [...xaxis.range, ...yaxis.range],
    visible: plot._fullData.map(trace => trace.visible),
    end: Math.max(...plot._fullData[0].x),
    text: plot.querySelector('.ytick text').style.fill,
    width: plot.clientWidth,
  };
}"""

PAGE_TEXT = """() => {
  const text = document.querySelector('[data-testid=stMarkdownContainer]');
  return getComputedStyle(text).color;
}"""


@pytest.fixture(scope="module")
def script_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own, since its app is a page that refreshes a growing figure."""
    folder = tmp_path_factory.mktemp("live")
    script = folder / "script.py"
    script.write_text(PAGE)
    with serve(folder / "home", script) as server:
        yield server.address


@pytest.fixture
def received(page: "Page") -> list[int]:
    """The size in bytes of every message that the tab receives."""
    sizes: list[int] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: sizes.append(len(frame))),
    )
    return sizes


@pytest.fixture
def tab(page: "Page", received: list[int], script_address: str) -> "Page":
    """The tab, with the figure drawn."""
    page.goto(script_address)
    page.wait_for_selector(".live-plot .main-svg")
    return page


def state(tab: "Page") -> dict[str, Any]:
    """Returns what the plot shows, once it is there."""
    shown: dict[str, Any] = tab.wait_for_function(STATE).json_value()
    return shown


def wait_for_refreshes(tab: "Page", count: int) -> None:
    """Returns when the drawn line is longer by so many refreshes of 100 steps."""
    end = state(tab)["end"] + 0.1 * count - 0.05
    tab.wait_for_function(f"({STATE})()?.end >= {end}")


def place_of_curves(tab: "Page") -> dict[str, float]:
    """Returns where the upper curves stand in the window."""
    surface = tab.locator(".live-plot .nsewdrag").first
    stand_still(surface)
    box = surface.bounding_box()
    assert box is not None
    return dict(box)


def test_zoom_and_hidden_traces_survive_ten_refreshes(tab: "Page") -> None:
    box = place_of_curves(tab)
    tab.mouse.move(box["x"] + 200, box["y"] + 20)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 500, box["y"] + 100, steps=5)
    tab.mouse.up()
    tab.locator(".live-plot .legendtoggle").nth(2).click()
    tab.wait_for_function(f"({STATE})()?.visible[2] === 'legendonly'")
    before = state(tab)
    wait_for_refreshes(tab, 10)
    after = state(tab)
    assert after["zoom"] == before["zoom"]
    assert after["visible"] == [True, True, "legendonly", True, True, "legendonly"]
    tab.get_by_role("button", name="Again").click()
    wait_for_refreshes(tab, 2)
    assert state(tab)["zoom"] == before["zoom"]


def test_an_open_hover_text_survives_a_refresh(tab: "Page") -> None:
    box = place_of_curves(tab)
    tab.mouse.move(box["x"] + 300, box["y"] + 100)
    tab.mouse.move(box["x"] + 300, box["y"] + 160, steps=10)
    tab.wait_for_selector(".live-plot .hovertext")
    wait_for_refreshes(tab, 3)
    assert tab.locator(".live-plot .hovertext").count() > 0


def test_plotly_is_loaded_once_and_refreshes_are_small(tab: "Page", received: list[int]) -> None:
    wait_for_refreshes(tab, 1)
    received.clear()
    wait_for_refreshes(tab, 5)
    tab.get_by_role("button", name="Again").click()
    wait_for_refreshes(tab, 5)
    assert max(received) < 45_000
    assert tab.locator("script[src*=plotly]").count() == 1


def test_text_has_the_color_of_the_light_or_dark_page(tab: "Page") -> None:
    tab.emulate_media(color_scheme="light")
    tab.wait_for_function(f"({STATE})()?.text === ({PAGE_TEXT})()")
    light = tab.evaluate(PAGE_TEXT)
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function(f"({PAGE_TEXT})() !== {light!r}")
    tab.wait_for_function(f"({STATE})()?.text === ({PAGE_TEXT})()")


def test_the_figure_is_resized_with_the_window(tab: "Page") -> None:
    tab.set_viewport_size({"width": 400, "height": 900})
    tab.wait_for_function(f"({STATE})()?.width < 400")
    tab.wait_for_function("document.querySelector('.live-plot')._fullLayout.width < 400")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400
