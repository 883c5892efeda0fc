"""All corrections of a data set: listed, taken away as a file, taken over from one."""

import pandas as pd
import streamlit as st

from fer_core import datasets
from fer_core.datasets import Corrections, Dataset, Key, named, positions_of
from fer_core.errors import FerError
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import plain

_LARGEST = 64  # MB
_LISTED = 1000  # rows; more take a browser time, and nobody reads them


def show_corrections(dataset: Dataset, overlay: Corrections | None) -> None:
    """The list, the file, and the way back; nothing where they cannot be read."""
    if overlay is None:
        return
    st.markdown(
        "Corrections are kept beside the images, which are never changed. A run uses them where "
        "“Use corrections” is ticked on the Train page, and keeps those of that moment. Under "
        "“Faces”, images that are left out are pale and struck through."
    )
    if overlay:
        st.markdown(f"**{datasets.describe_corrections(overlay)}**")
        _show_list(dataset, overlay)
    if kept := datasets.kept_labels(overlay):
        st.caption(f"{kept}; the file has that too. It changes no image and no run.")
    if overlay or overlay.kept:
        _offer_file(dataset, overlay)
    else:
        st.info(
            "Nothing is corrected yet. Press a face under “Faces” to leave it out or to give it "
            "another expression.",
            icon=":material/edit:",
        )
    _take_over(dataset)


def _show_list(dataset: Dataset, overlay: Corrections) -> None:
    newest = overlay.corrections[: -_LISTED - 1 : -1]
    keys = [each.key for each in newest]
    places = positions_of(dataset.index, keys)
    labels = dataset.index["expression"]
    table = pd.DataFrame(
        {
            "Image": [_named(dataset, key, places) for key in keys],
            "As added": [labels.iloc[places[key][0]] if key in places else "" for key in keys],
            "Decision": [each.expression or "left out" for each in newest],
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
    if len(overlay) > _LISTED:
        st.caption(f"The newest {_LISTED:,} of {len(overlay):,}; the file has all.")


def _named(dataset: Dataset, key: Key, places: dict[Key, list[int]]) -> str:
    return dataset.pictures.name(places[key][0]) if key in places else named(key)


def _offer_file(dataset: Dataset, overlay: Corrections) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Download the corrections",
            overlay.to_csv,
            f"{dataset.name}-corrections.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        with st.popover("Take all back …", icon=":material/undo:"):
            st.markdown("Every image is then as it was added. Runs keep what they began with.")
            st.button(
                "Take all corrections back",
                type="primary",
                on_click=run_or_toast,
                args=(lambda: _take_back(dataset),),
            )


def _take_back(dataset: Dataset) -> None:
    keys = [each.key for each in dataset.overlay.corrections]
    found = positions_of(dataset.index, keys).values()
    dataset.restore([place for places in found for place in places])


def _take_over(dataset: Dataset) -> None:
    """A file of corrections; what is wrong with it is said, and nothing of it is kept then."""
    with st.form(f"take-over-{dataset.name}", border=False, clear_on_submit=True):
        file = st.file_uploader(
            "A file of corrections, as it is downloaded here",
            type="csv",
            max_upload_size=_LARGEST,
            help="Its decisions replace those about the same images; the others stay.",
        )
        pressed = st.form_submit_button("Take over", icon=":material/upload:")
    if not pressed:
        return
    try:
        if file is None:
            raise FerError("A file must be chosen first. Received none.")
        count = dataset.import_overlay(_text(file.getvalue(), file.name))
    except (ValueError, OSError) as error:
        st.error(plain(str(error)))
    else:
        st.toast(f"{count:,} taken over.", icon=":material/check:")
        st.rerun()


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FerError(f"{name} must be text in UTF-8: {error}") from error
