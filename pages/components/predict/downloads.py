"""Shows the faces of all photos in a table, with downloads."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fer_core import vision
from fer_core.inference import Photo
from fer_core.runs import Run
from fer_core.storage import export_csv
from pages.components.predict.options import PredictOptions
from pages.components.predict.photo_cache import LARGE_PHOTOS, InferenceRequest
from pages.components.shared.downloads import offer_download
from pages.components.shared.formatting import file_name

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from fer_core.inference import PhotoResult

BOX, POSE = ("x", "y", "width", "height"), ("yaw", "pitch", "roll")
_MAX_ANNOTATED = 1000  # photos of a .zip, which is made in memory: 0.3 MB each


def show_downloads(
    options: PredictOptions,
    results: Mapping[Photo, "PhotoResult"],
    errors: Sequence[str],
    request: InferenceRequest,
) -> None:
    """Shows a row per face, or photo without one; offers CSV, JSON and annotated photos."""
    from fer_core import inference

    run, abstention = options.run, options.abstention
    by_name = {photo.name: result for photo, result in results.items()}
    table = inference.results_table(by_name, run.class_names, abstention.threshold)
    st.subheader("All faces", anchor=False)
    _show_table(table, [f"p_{name}" for name in run.class_names])
    with st.container(horizontal=True):
        _offer("Download table (CSV)", export_csv(table), run, ".csv", "text/csv")
        settings = inference.PhotoSettings(
            abstention.min_accuracy,
            request.tta,
            request.margin,
            request.search.smallest_face,
            request.search.confidence,
            request.search.whole,
        )
        text = inference.results_json(
            by_name, errors, options.provenance.record(), settings, abstention.threshold
        )
        _offer("Download JSON", text, run, ".json", "application/json")
        offer_download(
            "Download annotated photos",
            partial(_annotated, dict(results), run.class_names, abstention.threshold),
            file_name(f"faces-{run.id}", ".zip"),
            "application/zip",
            key=f"annotated-{run.id}",
            icon=":material/folder_zip:",
            disabled=len(results) > _MAX_ANNOTATED,
            help="Drawn when you click, at about 0.1 s per photo. Available for at most "
            f"{_MAX_ANNOTATED:,} photos.",
        )


def _show_table(table: "pd.DataFrame", probabilities: Sequence[str]) -> None:
    st.dataframe(
        table,
        column_config={
            name: st.column_config.NumberColumn(name.removeprefix("p_"), format="%.3f")
            for name in ("confidence", *probabilities)
        }
        | {"milliseconds": st.column_config.NumberColumn("ms", format="%.0f")},
        column_order=(
            *("image", "face", "answer", "expression", *probabilities),
            *("confidence", "detection", "blurred", *POSE, *BOX, "milliseconds"),
        ),
        hide_index=True,
    )


def _offer(label: str, text: str, run: Run, suffix: str, mime: str) -> None:
    st.download_button(
        label,
        text,
        file_name=file_name(f"faces-{run.id}", suffix),
        mime=mime,
        icon=":material/download:",
        on_click="ignore",
    )


def _annotated(
    results: Mapping[Photo, "PhotoResult"], class_names: Sequence[str], threshold: float
) -> bytes:
    """Makes the .zip; Streamlit calls it in a thread when the button is clicked."""
    from fer_core import inference

    return inference.zip_annotated(_decoded(results), class_names, threshold)


def _decoded(
    results: Mapping[Photo, "PhotoResult"],
) -> Iterator[tuple[str, "np.ndarray", "PhotoResult"]]:
    """Yields name, image and result of each photo; decodes few at once in all sessions."""
    for photo, result in results.items():
        with LARGE_PHOTOS:
            yield photo.name, vision.decode(photo.read(), photo.name), result
