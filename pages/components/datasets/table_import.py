"""Imports a table that belongs to a dataset, such as corrections or votes, from a CSV file."""

from collections.abc import Callable

import streamlit as st

from fer_core.errors import FerError
from fer_core.text import counted
from pages.components.shared.access import upload_limit, writing
from pages.components.shared.formatting import plain

_MAX_UPLOAD = 64  # MB


def show_table_import(key: str, noun: str, help: str, load: Callable[[bytes, str], int]) -> None:
    """Shows a form for a file, which is imported completely or, if anything is wrong, not at all.

    Args:
        key: names the form.
        noun: what a row is, as in "vote".
        help: what the file must be like.
        load: imports the content of a file of this name, and returns how many rows it had.
    """
    with st.form(key, border=False, clear_on_submit=True):
        file = st.file_uploader(
            f"Import {noun}s (.csv)",
            type="csv",
            max_upload_size=upload_limit(_MAX_UPLOAD),
            **writing(help=help),
        )
        pressed = st.form_submit_button(f"Import {noun}s", icon=":material/upload:", **writing())
    if not pressed:
        return
    try:
        if file is None:
            raise FerError("Choose a file first.")
        count = load(file.getvalue(), file.name)
    except (FerError, OSError) as error:
        st.error(plain(str(error)))
    else:
        st.toast(f"{counted(count, noun)} imported.", icon=":material/check:")
        st.rerun()
