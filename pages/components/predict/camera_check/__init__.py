"""Asks the browser for its camera before it is filmed with, and learns why it is refused."""

from pathlib import Path

import streamlit as st

GRANTED = "granted"
_HERE = Path(__file__).parent

_check = st.components.v2.component(
    "fer_camera_check",
    html="<span></span>",
    js=(_HERE / "camera_check.js").read_text(encoding="utf-8"),
)


def camera_check(attempt: int, *, in_use: bool) -> str | None:
    """What the browser answered: `GRANTED`, or the name of its error; None before it answered.

    A person may be asked meanwhile. Each attempt, counted from 1, asks anew; 0 asks nothing. The
    camera stays open until it is `in_use` by what films with it, so that it starts but once.
    """
    data = {"attempt": attempt, "inUse": in_use}
    answer = _check(data=data, key="camera-check", height=1, on_answer_change=lambda: None).answer
    answer = answer or {}
    return answer.get("name") if attempt and answer.get("attempt") == attempt else None
