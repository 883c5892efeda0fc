"""Asks the browser for camera access before the stream starts, and learns why it is denied."""

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
    """Returns `GRANTED`, the name of the browser's error, or None while the browser asks the user.

    Each attempt, counted from 1, asks once; 0 does not ask. The camera stays open until the stream
    has it `in_use`, so that it starts only once.
    """
    data = {"attempt": attempt, "inUse": in_use}
    answer = _check(data=data, key="camera-check", height=1, on_answer_change=lambda: None).answer
    answer = answer or {}
    return answer.get("name") if attempt and answer.get("attempt") == attempt else None
