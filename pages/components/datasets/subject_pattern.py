"""A field for the pattern that finds subjects in file names, tried on a few of them."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fer_core.datasets import GROUP_NOUNS
from fer_core.datasets.layouts import EXAMPLE, MAX_PATTERN, read_pattern
from fer_core.errors import FerError
from fer_core.text import counted, visible
from pages.components.shared.formatting import code, plain


def edit_pattern(current: str, names: Sequence[str], key: str) -> tuple[str, bool]:
    """Shows the field, and what the pattern finds; returns it, and whether it can be used.

    Args:
        current: the pattern in use; "" if there is none.
        names: paths of a few images.
        key: of the field.
    """
    st.markdown(
        "**Subjects and sequences** in file names, by a regular expression with a group named "
        f"subject, or group for sequences, such as {code(EXAMPLE)}"
    )
    text = st.text_input(
        "Pattern of subjects",
        current,
        max_chars=MAX_PATTERN,
        placeholder=EXAMPLE,
        key=key,
        help="It is searched in each path, by RE2: without look-around and back references. "
        "Groups that only group are written (?:…).",
    ).strip()
    if not text:
        return current, True
    try:
        found = read_pattern(text, names)
    except FerError as error:
        st.error(plain(str(error)))
        return text, False
    _show_found(found, names)
    return text, True


def _show_found(found: pd.DataFrame, names: Sequence[str]) -> None:
    shown = found.map(lambda name: visible(name) or "–")
    shown.columns = pd.Index([GROUP_NOUNS[str(name)][0].capitalize() for name in found])
    shown.insert(0, "Image", [visible(name) for name in names])
    st.dataframe(shown, hide_index=True, width="stretch")
    fitting = int((found != "").all(axis=1).sum())
    st.caption(f"It fits {fitting} of these {counted(len(names), 'file name')}.")
