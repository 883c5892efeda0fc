"""The Metadata tab: joins a table to the images, previews it, keeps or removes it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from fer_core.datasets import Dataset
from fer_core.datasets.metadata import (
    BY_FILE,
    BY_SUBJECT,
    METADATA_FILE,
    Join,
    JoinedTable,
    Metadata,
    join_table,
    parse_table,
    propose_join,
    read_metadata,
    remove_metadata,
    save_metadata,
)
from fer_core.errors import FerError
from fer_core.storage import Stamp, export_csv, stamp
from fer_core.text import counted
from pages.components.shared.access import upload_limit, writing
from pages.components.shared.confirmation import ask_before
from pages.components.shared.dataset_cache import open_cached
from pages.components.shared.downloads import offer_download
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import plain

_MAX_UPLOAD = 200  # MB
_SAVED = "metadata-saved"
_BY = {BY_FILE: "File paths or names", BY_SUBJECT: "Subjects"}


@st.fragment
def show_metadata(dataset: Dataset) -> None:
    """Shows the columns that are kept with the dataset, and a form for a table."""
    if st.session_state.pop(_SAVED, None) == dataset.name:
        st.toast("The metadata were saved with the dataset.", icon=":material/check:")
    st.markdown(
        "Add a table that describes the images or their subjects, with columns such as sex, age, "
        "skin type or camera. The Evaluate page then compares scores by these columns (Slices)."
    )
    try:
        metadata = _stored(dataset.name, stamp(dataset.directory / METADATA_FILE))
    except FerError as error:
        st.warning(plain(f"{error} Join the table again."), icon=":material/broken_image:")
    else:
        if metadata is not None:
            _show_stored(dataset, metadata)
    file = st.file_uploader(
        "Table (.csv)",
        type="csv",
        max_upload_size=upload_limit(_MAX_UPLOAD),
        key=_upload_key(dataset),
        **writing(
            help="One column holds file paths, file names or subjects as in the dataset; every "
            "other column is metadata."
        ),
    )
    if file is None:
        return
    try:
        _show_preview(dataset, _Upload(file.file_id, file.getvalue()))
    except FerError as error:
        st.error(plain(str(error)))


def _show_stored(dataset: Dataset, metadata: Metadata) -> None:
    rows = counted(len(metadata.table), metadata.by)
    st.markdown(f"Metadata of **{rows}**")
    st.dataframe(_summary(metadata), hide_index=True, height="content")
    with st.container(horizontal=True, vertical_alignment="center"):
        offer_download(
            "Download metadata",
            lambda: export_csv(metadata.table),
            f"{dataset.name}-metadata.csv",
            "text/csv",
            key=f"metadata-file-{dataset.name}",
        )
        ask_before(
            partial(run_or_toast, partial(remove_metadata, dataset)),
            lambda: "Removes the columns from the dataset. Images and labels stay as they are.",
            key=f"metadata-{dataset.name}",
            confirm="Remove metadata",
            label="Remove …",
        )


def _summary(metadata: Metadata) -> pd.DataFrame:
    columns = [metadata.table[name] for name in metadata.columns]
    return pd.DataFrame(
        {
            "Column": list(metadata.columns),
            "Distinct values": [column[column != ""].nunique() for column in columns],
            "Most frequent": [_most_frequent(column) for column in columns],
            "Missing values": [int((column == "").sum()) for column in columns],
        }
    )


def _most_frequent(column: pd.Series) -> str:
    counts = column[column != ""].value_counts().head(3)
    return ", ".join(f"{value} ({count:,})" for value, count in counts.items())


def _show_preview(dataset: Dataset, upload: "_Upload") -> None:
    """Shows how the table would be joined, and a button that keeps it."""
    index = stamp(dataset.directory / "index.csv")
    columns, proposed = _proposed(upload, dataset.name, index)
    with st.container(horizontal=True):
        column = st.selectbox(
            "Column to join by",
            columns,
            index=columns.index(proposed.column),
            key=f"metadata-column-{dataset.name}",
            width=240,
        )
        by = st.selectbox(
            "It holds",
            list(_BY),
            index=list(_BY).index(proposed.by),
            format_func=_BY.__getitem__,
            key=f"metadata-by-{dataset.name}",
            width=240,
        )
    joined = _joined(upload, dataset.name, index, Join(column, by))
    for sentence in joined.describe():
        st.markdown(plain(sentence))
    st.caption("The first ten rows:")
    st.dataframe(joined.first_rows, hide_index=True, height="content")
    st.button(
        "Replace the metadata"
        if (dataset.directory / METADATA_FILE).exists()
        else "Save with the dataset",
        type="primary",
        icon=":material/save:",
        key=f"metadata-save-{dataset.name}",
        on_click=run_or_toast,
        args=(partial(_save, dataset, joined),),
        **writing(),
    )


def _save(dataset: Dataset, joined: JoinedTable) -> None:
    save_metadata(dataset, joined)
    st.session_state[_counter_key(dataset)] = st.session_state.get(_counter_key(dataset), 0) + 1
    # Shown by the next run: in a fragment's callback nothing may be displayed.
    st.session_state[_SAVED] = dataset.name


def _upload_key(dataset: Dataset) -> str:
    """Returns another key after each table that was kept, which empties the field."""
    return f"metadata-upload-{dataset.name}-{st.session_state.get(_counter_key(dataset), 0)}"


def _counter_key(dataset: Dataset) -> str:
    return f"metadata-kept-{dataset.name}"


@dataclass(frozen=True)
class _Upload:
    """Holds an uploaded file, which its number identifies."""

    number: str
    data: bytes = field(compare=False, repr=False)


_HASHED: dict[str | type, Callable[[Any], Any]] = {_Upload: lambda upload: upload.number}


@st.cache_resource(max_entries=4, show_spinner="Reading the metadata …")
def _stored(name: str, now: Stamp) -> Metadata | None:
    return read_metadata(open_cached(name).directory)


@st.cache_resource(max_entries=2, show_spinner="Reading the table …", hash_funcs=_HASHED)
def _parsed(upload: _Upload) -> pd.DataFrame:
    return parse_table(upload.data)


@st.cache_resource(max_entries=4, show_spinner="Looking for the images …", hash_funcs=_HASHED)
def _proposed(upload: _Upload, name: str, index: Stamp) -> tuple[list[str], Join]:
    """Returns the columns of the table, and the one that names images or subjects."""
    table = _parsed(upload)
    return list(map(str, table.columns)), propose_join(table, open_cached(name).stored_index, name)


@st.cache_resource(max_entries=4, show_spinner="Joining the table …", hash_funcs=_HASHED)
def _joined(upload: _Upload, name: str, index: Stamp, join: Join) -> JoinedTable:
    return join_table(_parsed(upload), open_cached(name).stored_index, join, name)
