"""The Corrections tab: lists corrections, downloads and imports them as a file."""

from functools import partial

import pandas as pd
import streamlit as st

from fer_core import datasets
from fer_core.datasets import Corrections, Dataset, Key, image_name, positions_of
from fer_core.errors import FerError
from pages.components.datasets.table_import import show_table_import
from pages.components.shared.confirmation import ask_before
from pages.components.shared.downloads import offer_download
from pages.components.shared.errors import run_or_toast

_MAX_ROWS = 1000  # more would slow the browser down


def show_corrections(dataset: Dataset, corrections: Corrections | None) -> None:
    """Shows all corrections; shows nothing if they cannot be read (None)."""
    if corrections is None:
        return
    st.markdown(
        "Corrections exclude or relabel images; the image files are never changed. A run uses the "
        "corrections saved when it is started, if “Use corrections” is checked on the Train page."
    )
    if corrections:
        st.markdown(f"**{datasets.describe_corrections(corrections)}**")
        _show_list(dataset, corrections)
    if confirmed := datasets.describe_confirmed(corrections):
        st.caption(f"{confirmed}. Confirmed labels are not flagged as label issues again.")
    if corrections or corrections.confirmations:
        _offer_file(dataset, corrections)
    else:
        st.info(
            "No corrections yet. Select an image on the Faces tab to exclude or relabel it.",
            icon=":material/edit:",
        )
    show_table_import(
        f"import-corrections-{dataset.name}",
        "correction",
        "A file that was downloaded here. Corrections of other images stay as they are.",
        lambda data, name: dataset.import_corrections(_text(data, name)),
    )


def _show_list(dataset: Dataset, corrections: Corrections) -> None:
    newest = corrections.corrections[: -_MAX_ROWS - 1 : -1]
    keys = [each.key for each in newest]
    places = positions_of(dataset.index, keys)
    labels = dataset.index["expression"]
    table = pd.DataFrame(
        {
            "Image": [_image_name(dataset, key, places) for key in keys],
            "Original label": [
                labels.iloc[places[key][0]] if key in places else "" for key in keys
            ],
            "Correction": [each.expression or "excluded" for each in newest],
            "Reason": [each.reason for each in newest],
            "Time": [each.time.replace("T", " ") for each in newest],
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(table) <= 10 else 400,
        key=f"corrections-{dataset.name}",
    )
    if len(corrections) > _MAX_ROWS:
        st.caption(
            f"Showing the latest {_MAX_ROWS:,} of {len(corrections):,}. Download the file for all."
        )


def _image_name(dataset: Dataset, key: Key, places: dict[Key, list[int]]) -> str:
    return dataset.reader.name(places[key][0]) if key in places else image_name(key)


def _offer_file(dataset: Dataset, corrections: Corrections) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        offer_download(
            "Download corrections",
            corrections.to_export,
            f"{dataset.name}-corrections.csv",
            "text/csv",
            key=f"corrections-file-{dataset.name}",
        )
        ask_before(
            partial(run_or_toast, partial(_remove_all, dataset)),
            lambda: "Restores the original label and split of every image. Runs keep their copy.",
            key=f"corrections-{dataset.name}",
            confirm="Remove all corrections",
            label="Remove all …",
            icon=":material/undo:",
        )


def _remove_all(dataset: Dataset) -> None:
    keys = [each.key for each in dataset.saved_corrections.corrections]
    positions = positions_of(dataset.index, keys).values()
    dataset.restore([position for group in positions for position in group])


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FerError(f"{name} must be a UTF-8 text file: {error}") from error
