"""Says on the next page what a button could not do."""

from collections.abc import Callable

import streamlit as st

from pages.components.words import plain

_KEY = "refusals"


def attempt(action: Callable[[], None]) -> bool:
    """Whether it was done; if not, `show_refusals` says why."""
    try:
        action()
    except (ValueError, OSError) as error:
        st.session_state.setdefault(_KEY, []).append(str(error))
        return False
    return True


def show_refusals() -> None:
    """A sentence for each action that was refused since the page was last shown."""
    for sentence in st.session_state.pop(_KEY, []):
        st.error(plain(sentence))
