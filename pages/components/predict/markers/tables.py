"""Takes a table from a person, and shows one with its numbers rounded."""

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from pages.components.shared.access import upload_limit, writing

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

LONGEST_WINDOW = 3600.0  # seconds before and after a marker
_MAX_MB = 8


def upload_table(label: str, key: str, help: str) -> "UploadedFile | None":
    """Shows a field for a CSV file; returns the file."""
    return st.file_uploader(
        label,
        type=["csv"],
        max_upload_size=upload_limit(_MAX_MB),
        key=key,
        **writing(help=help),
    )


def show_rounded(table: pd.DataFrame) -> None:
    """Shows a table; its numbers, except times, with three decimals."""
    numbers = [name for name in table.select_dtypes("float") if not name.endswith("seconds")]
    st.dataframe(
        table,
        hide_index=True,
        placeholder="–",
        column_config={name: st.column_config.NumberColumn(format="%.3f") for name in numbers},
    )
