"""Asks before something is deleted or removed for good."""

from collections.abc import Callable

import streamlit as st

from pages.components.shared.access import writing


def ask_before(
    action: Callable[[], None],
    question: Callable[[], str],
    *,
    key: str,
    confirm: str = "Delete permanently",
    label: str = "Delete …",
    icon: str = ":material/delete:",
    refusal: str = "",
    asks_server: bool = False,
) -> None:
    """Shows a button that opens a question, with a button inside that does it.

    The question stays open when the page is drawn again, also where that moves it: it has a key.

    Args:
        question: returns it, as Markdown.
        key: of what is deleted.
        confirm: label of the button inside.
        refusal: why it cannot be done now, as Markdown; turns the button off.
        asks_server: whether the page runs again when it is opened, so that `question` is called
            only then.
    """
    popover = st.popover(
        label, icon=icon, key=_key(key), on_change="rerun" if asks_server else "ignore"
    )
    if asks_server and not popover.open:
        return
    with popover:
        st.markdown(question())
        if refusal:
            st.warning(refusal, icon=":material/lock:")
        st.button(
            confirm,
            type="primary",
            icon=":material/delete_forever:",
            key=f"confirm-{key}",
            on_click=action,
            **writing(disabled=bool(refusal)),
        )


def _key(key: str) -> str:
    return f"deletion-{key}"
