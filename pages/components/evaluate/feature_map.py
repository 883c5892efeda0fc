"""Shows the feature map and the images selected on it."""

import hashlib
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from fer_core import evaluation
from fer_core.errors import FerError
from fer_core.evaluation import PCA, UMAP, EvaluationReport, FaceMap
from fer_core.figures import map_figure
from fer_core.storage import Stamp, stamp
from pages.components.evaluate.prediction_gallery import show_answers
from pages.components.shared.access import writing
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import plain
from pages.components.shared.predictions_cache import Subject
from pages.components.shared.task_progress import TaskLabels, show_task

_METHODS = {PCA: "PCA", UMAP: "UMAP"}
_DRAGS = {"pan": "Click a point", "lasso": "Lasso points"}  # by Plotly's dragmode
_WORDS = TaskLabels("Stop computing the map", "The map was not computed.")
_HELP = (
    "Each point is a face: the features before the model's last layer, projected to two "
    "dimensions. Faces that look similar to the model are close together. Dots were predicted "
    "correctly, crosses were not; the color is that of the true expression."
)


@st.fragment
def show_map(subject: Subject, found: EvaluationReport) -> None:
    """Shows the map, computed on request, next to the images selected on it."""
    st.subheader("Feature map", anchor=False, help=_HELP)
    if not st.toggle("Show the feature map", key=f"show-map-{subject.key}"):
        return
    method = _choose_method(subject)
    tasks = evaluation.maps_of(subject.run, subject.dataset, subject.file.stem)
    active = bool(tasks) and show_task(tasks[0], _WORDS)
    drawn, damage = _known_map(subject, method)
    if drawn is not None and _is_current(subject, drawn):
        _show(subject, found, drawn)
    elif not active:
        if damage:
            st.warning(
                plain(f"{damage} Compute the map again to replace it."),
                icon=":material/broken_image:",
            )
        if drawn is not None:
            st.warning(
                "The predictions have changed since the map was computed.",
                icon=":material/history:",
            )
        _offer(subject, method, len(found.calibrated))


def _choose_method(subject: Subject) -> str:
    known = evaluation.methods()
    if len(known) == 1:
        return known[0]
    return str(
        st.segmented_control(
            "Projection",
            known,
            format_func=_METHODS.__getitem__,
            default=known[0],
            required=True,
            key=f"map-method-{subject.key}",
        )
    )


def _offer(subject: Subject, method: str, images: int) -> None:
    few = min(images, evaluation.MAX_MAP_IMAGES)
    st.caption(
        f"Computes the features of {few:,} images once, in the background, and saves the map."
    )
    st.button(
        "Compute the map",
        type="primary",
        icon=":material/scatter_plot:",
        on_click=run_or_toast,
        args=(
            partial(evaluation.submit_map, subject.run, subject.dataset, subject.file.stem, method),
        ),
        key=f"draw-map-{subject.key}",
        **writing(),
    )


def _show(subject: Subject, found: EvaluationReport, drawn: FaceMap) -> None:
    st.caption(_sentence(found, drawn))
    chart, images = st.columns([7, 5], gap="large")
    with chart:
        # While a drag draws, Streamlit takes no click for a choice.
        drag = st.segmented_control(
            "Selection",
            list(_DRAGS),
            format_func=_DRAGS.__getitem__,
            default="pan",
            required=True,
            key=f"map-drag-{subject.key}",
            help="Scroll to zoom. With “Click a point”, drag to move the map.",
        )
        figure, rows = _figure_of(subject, found, drawn, str(drag))
        event: Any = st.plotly_chart(
            figure,
            key=f"map-chart-{subject.key}-{drawn.method}-{drag}",
            on_select="rerun",
            selection_mode=("points", "box", "lasso"),
            config={"displaylogo": False, "scrollZoom": True},
        )
    with images:
        _show_chosen(subject, found, chosen_rows(event["selection"]["points"], rows))


def chosen_rows(points: list[dict[str, Any]], rows: list[np.ndarray]) -> np.ndarray:
    """Returns the rows of the predictions of some points; `rows` are those of each trace."""
    places = [(int(point["curve_number"]), int(point["point_index"])) for point in points]
    found = [rows[curve][index] for curve, index in places if index < len(rows[curve])]
    return np.unique(np.array(found, dtype=int))


def _show_chosen(subject: Subject, found: EvaluationReport, rows: np.ndarray) -> None:
    if not len(rows):
        st.info(
            "Click a point to see its face, or use the lasso to select several.",
            icon=":material/touch_app:",
        )
        return
    table = found.calibrated.iloc[rows]
    rows = rows[evaluation.choose(table, None, None)]
    if len(rows) > 1:
        wrong = int((table["predicted"] != table["expression"]).sum())
        st.caption(
            f"**{len(rows):,}** images, {wrong:,} of them predicted wrong; largest error first."
        )
    key = hashlib.blake2b(rows.tobytes(), digest_size=8).hexdigest()
    show_answers(subject, found, rows, key=f"map-{key}", place="on-map")


def _sentence(found: EvaluationReport, drawn: FaceMap) -> str:
    """Describes the points and the axes."""
    shown, total = len(drawn.rows), len(found.calibrated)
    said = f"**{shown:,}** images."
    if shown == evaluation.MAX_MAP_IMAGES < total:
        said = f"**{shown:,}** of {total:,} images: a random sample, stratified by expression."
    elif shown < total:
        said = f"**{shown:,}** of {total:,} images: the others are not in the dataset anymore."
    if drawn.explained:
        shares = " and ".join(f"{share:.0%}" for share in drawn.explained)
        said += f" PCA: the two axes explain {shares} of the variance."
    elif drawn.method == UMAP:
        said += " UMAP: nearby points are similar; larger distances mean little."
    return f"{said} Computed on {drawn.time:%d %B %Y at %H:%M}."


def _known_map(subject: Subject, method: str) -> tuple[FaceMap | None, str]:
    """Returns the saved map, which may be outdated, or None; and a sentence if it is damaged."""
    return _read(subject, method, _stamp(subject, method))


def _is_current(subject: Subject, drawn: FaceMap) -> bool:
    """Tells whether the map is of the current predictions."""
    return drawn.predictions == _digest(subject, stamp(subject.file))


def _figure_of(
    subject: Subject, found: EvaluationReport, drawn: FaceMap, drag: str
) -> tuple[go.Figure, list[np.ndarray]]:
    """Returns the cached result of `map_figure`, which must not be changed."""
    return _figure(subject, drawn.method, _stamp(subject, drawn.method), drag, found, drawn)


def _stamp(subject: Subject, method: str) -> Stamp:
    return stamp(evaluation.map_file(subject.run, subject.dataset, subject.file.stem, method))


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(subject: Subject, method: str, then: Stamp) -> tuple[FaceMap | None, str]:
    file = evaluation.map_file(subject.run, subject.dataset, subject.file.stem, method)
    try:
        return evaluation.read_map(file), ""
    except FerError as error:
        return None, str(error)


@st.cache_resource(max_entries=8, show_spinner=False)
def _digest(subject: Subject, then: Stamp) -> str:
    return evaluation.digest(subject.file)


@st.cache_resource(
    max_entries=8,
    show_spinner=False,
    hash_funcs={EvaluationReport: lambda found: "", FaceMap: lambda drawn: drawn.predictions},
)
def _figure(
    subject: Subject, method: str, then: Stamp, drag: str, found: EvaluationReport, drawn: FaceMap
) -> tuple[go.Figure, list[np.ndarray]]:
    return map_figure(drawn, found.calibrated, found.class_names, drag)
