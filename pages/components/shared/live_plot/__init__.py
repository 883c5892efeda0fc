"""A Plotly figure that is redrawn in place: zoom, hover and hidden traces survive a refresh.

`st.plotly_chart` mounts a new chart whenever its data change. Here Plotly's script is handed over
once, by `load_plotly` outside the refreshing fragment, and a refresh sends the figure only.
"""

from functools import cache
from pathlib import Path

import plotly
import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_HERE = Path(__file__).parent
_READY = "\nwindow.dispatchEvent(new Event('plotly-ready'));\nexport default () => {};\n"

_plot = st.components.v2.component(
    "fer_live_plot",
    html='<div class="live-plot"></div>',
    js=(_HERE / "live_plot.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def load_plotly() -> None:
    """Gives Plotly's script to the browser; once on a page, outside its refreshing fragments.

    Streamlit sends so large a message to a browser once and later refers to it.
    """
    _loader()(key="plotly")


def live_plot(figure: str, key: str, height: int, label: str = "Curves") -> None:
    """Draws the figure, or changes the one that was drawn under the same key.

    The figure is Plotly's JSON with a `uirevision` that stays the same while it shows the same; the
    height is in pixels. Where the figure is the last refresh's, nothing is sent and nothing drawn.
    The label says what it is to those who cannot see it.
    """
    data = {"figure": figure, "height": height, "label": label}
    _plot(data=data, key=key, height=height, on_hidden_change=lambda: None)


def is_hidden(key: str) -> bool:
    """Whether the browser has told that nobody sees the figure, since its tab is in the back."""
    told = st.session_state.get(key)
    return bool(told and told.get("hidden"))


@cache
def _loader() -> ComponentRenderer:
    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return st.components.v2.component("fer_plotly", js=script.read_text(encoding="utf-8") + _READY)
