"""The answers about all pictures to look at in a table, and to take away."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fer_core import vision
from fer_core.inference import Photo
from pages.components.predict.options import PredictOptions
from pages.components.predict.photo_cache import InferenceRequest

if TYPE_CHECKING:
    from fer_core.inference import PhotoResult

BOX = ("x", "y", "width", "height")


def show_downloads(
    asking: PredictOptions,
    found: Mapping[Photo, "PhotoResult"],
    refused: Sequence[str],
    asked: InferenceRequest,
) -> None:
    """One row per face of all pictures; as CSV and JSON, and the annotated pictures as .zip."""
    from fer_core import inference

    run, sureness = asking.run, asking.sureness
    by_name = {photo.name: one for photo, one in found.items()}
    table = inference.results_table(by_name, run.class_names, sureness.threshold)
    st.subheader("All faces", anchor=False)
    shares = [f"p_{name}" for name in run.class_names]
    st.dataframe(
        table,
        column_config={
            name: st.column_config.NumberColumn(name.removeprefix("p_"), format="%.3f")
            for name in ("confidence", *shares)
        }
        | {"milliseconds": st.column_config.NumberColumn("ms", format="%.0f")},
        column_order=(
            *("image", "face", "answer", "expression", *shares, "confidence"),
            *(*BOX, "milliseconds"),
        ),
        hide_index=True,
    )
    with st.container(horizontal=True):
        _offer("Download table", table.to_csv(index=False), f"faces-{run.id}.csv", "text/csv")
        settings = {
            "right_answers_wished": sureness.right,
            "averaged_views": asked.averaged,
            "crop_margin": asked.margin,
            "smallest_face": asked.search.smallest_face,
            "least_confidence": asked.search.confidence,
        }
        text = inference.results_json(
            by_name, refused, asking.known.record(), settings, sureness.threshold
        )
        _offer("Download JSON", text, f"faces-{run.id}.json", "application/json")
        st.download_button(
            "Download annotated pictures",
            partial(_annotated, dict(found), run.class_names, sureness.threshold),
            file_name=f"faces-{run.id}.zip",
            mime="application/zip",
            icon=":material/folder_zip:",
            on_click="ignore",
            help="Made when you press it: a picture takes about a tenth of a second.",
        )


def _offer(label: str, text: str, file_name: str, mime: str) -> None:
    st.download_button(
        label,
        text,
        file_name=file_name,
        mime=mime,
        icon=":material/download:",
        on_click="ignore",
    )


def _annotated(
    found: Mapping[Photo, "PhotoResult"], class_names: Sequence[str], threshold: float
) -> bytes:
    """What the button asks for, in a thread of its own."""
    from fer_core import inference

    return inference.zip_annotated(
        ((photo.name, vision.decode(photo.read()), one) for photo, one in found.items()),
        class_names,
        threshold,
    )
