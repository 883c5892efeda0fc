"""A Plotly figure that is redrawn in place: zoom, hover and hidden traces survive a refresh.

`st.plotly_chart` creates a new chart whenever its data change. Here `load_plotly` sends Plotly's
script once, outside the refreshing fragment, and a refresh sends only the figure.
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
    """Sends Plotly's script to the browser; call it once on a page, outside fragments.

    Streamlit caches large messages, so the script is transferred once per browser session.
    """
    _loader()(key="plotly")


def live_plot(
    figure: str, key: str, height: int, label: str = "Curves", *, tools: bool = True
) -> None:
    """Draws a figure, or updates the one drawn before under the same key.

    An unchanged figure is neither sent nor drawn again.

    Args:
        figure: Plotly's JSON, with a constant `uirevision`, which keeps zoom and hidden traces.
        height: in pixels.
        label: describes the figure to screen readers.
        tools: show Plotly's buttons while the pointer is on the figure.
    """
    data = {"figure": figure, "height": height, "label": label, "tools": tools}
    _plot(data=data, key=key, height=height, on_hidden_change=lambda: None)


def is_hidden(key: str) -> bool:
    """Tells whether the figure is in a background tab, as reported by the browser."""
    state = st.session_state.get(key)
    return bool(state and state.get("hidden"))


@cache
def _loader() -> ComponentRenderer:
    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return st.components.v2.component("fer_plotly", js=script.read_text(encoding="utf-8") + _READY)
