"""Lets a button act, and says why where it cannot."""

from collections.abc import Callable

import streamlit as st

from pages.components.words import plain


def try_to(action: Callable[[], object]) -> None:
    """Acts; what is refused, as when another tab was quicker, is said in passing."""
    try:
        action()
    except (ValueError, OSError) as error:
        st.toast(plain(str(error)), icon=":material/info:")
