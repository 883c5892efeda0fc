"""A Plotly figure that is redrawn in place: zoom, hover and hidden traces survive a refresh.

`st.plotly_chart` creates a new chart whenever its data change. Here the browser gets Plotly's
script once, over HTTP, and a refresh sends only the figure. The app needs `script_route`.
"""

from pathlib import Path

import streamlit as st

from pages.components.shared.plotly_script import script_address

_HERE = Path(__file__).parent

_plot = st.components.v2.component(
    "fer_live_plot",
    html='<div class="live-plot"></div>',
    js=(_HERE / "live_plot.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


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
    data["script"] = script_address()
    _plot(data=data, key=key, height=height, on_hidden_change=lambda: None)


def is_hidden(key: str) -> bool:
    """Tells whether the figure is in a background tab, as reported by the browser."""
    state = st.session_state.get(key)
    return bool(state and state.get("hidden"))
