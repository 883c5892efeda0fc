"""Lets a button act, and says why where it could not."""

from collections.abc import Callable

import streamlit as st

from pages.components.shared.formatting import plain

_KEY = "refusals"


def run_or_toast(action: Callable[[], object]) -> None:
    """Acts; what is refused, as when another tab was quicker, is said in passing."""
    sentence = _refusal(action)
    if sentence:
        st.toast(plain(sentence), icon=":material/info:")


def run_or_report(action: Callable[[], object]) -> bool:
    """Whether it was done; if not, `show_refusals` says why, and that stays to be read."""
    sentence = _refusal(action)
    if sentence:
        st.session_state.setdefault(_KEY, []).append(sentence)
    return not sentence


def show_refusals() -> None:
    """A sentence for each attempt that was refused since the page was last shown."""
    for sentence in st.session_state.pop(_KEY, []):
        st.error(plain(sentence))


def _refusal(action: Callable[[], object]) -> str:
    """Acts; why that was refused, or an empty string."""
    try:
        action()
    except (ValueError, OSError) as error:
        return str(error) or type(error).__name__
    return ""
