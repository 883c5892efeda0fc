"""Shows the result of a batch: what could not be read, the summary, plots and downloads."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from fer_core import batches, vision
from fer_core.batches import Batch, BatchResults, BatchSummary
from fer_core.errors import FerError
from fer_core.figures import condition_figure, participant_figure
from fer_core.runs import STOPPED
from fer_core.storage import Stamp, export_csv, stamp
from fer_core.tasks import TaskState
from fer_core.text import counted
from pages.components.predict.batches.markers import show_batch_markers
from pages.components.predict.people import Row, show_people
from pages.components.predict.task_list import offer_deletion
from pages.components.shared.access import writing
from pages.components.shared.downloads import offer_download
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import file_name, plain

_MAX_SENTENCES = 20
_MAX_BARS = 60
_MAX_ZIP_BYTES = 300_000_000  # of the tables of frames, before they are packed
_NOT_SURE = "not sure"


def show_batch(batch: Batch) -> None:
    """Shows a batch that is no longer queued or running."""
    try:
        files = (batch.directory / "manifest.json", batch.directory / "result.json")
        stamps = tuple(map(stamp, (*files, batch.files, batch.marks_file)))
        results = _read(str(batch.directory), stamps)
        summary = batch.summary
    except FerError as error:
        st.error(plain(f"{error} Delete the batch and start it again."))
    else:
        _show_end(batch, summary)
        if results is not None and results.results:
            _show_results(batch, results, stamps)
    offer_deletion(batch, "Delete all results of this batch?")


@st.cache_data(max_entries=4, ttl="1h", show_spinner="Reading the results …")
def _read(directory: str, stamps: tuple[Stamp, ...]) -> BatchResults | None:
    return batches.read_results(Batch(Path(directory)))


@st.cache_data(max_entries=4, ttl="1h", show_spinner=False)
def _summary(directory: str, stamps: tuple[Stamp, ...], frontal: bool) -> pd.DataFrame:
    """Returns the summary of what `_read` returns for the same arguments."""
    results = _read(directory, stamps)
    if results is None:
        return pd.DataFrame()
    return results.frontal_summary if frontal else results.summary


def _show_end(batch: Batch, summary: BatchSummary | None) -> None:
    """Shows how it ended, and a button that resumes it if files are left."""
    if summary is not None:
        unreadable = f", {summary.failed:,} unreadable" if summary.failed else ""
        st.markdown(
            f"**{summary.finished:,} of {counted(summary.files, 'file')}**{unreadable}, processed "
            f"by {plain(batch.model_name)}"
        )
        if summary.reason == STOPPED:
            st.info("The batch was stopped. Finished files are kept.")
    elif batch.state is TaskState.INTERRUPTED:
        st.error(f"The batch was interrupted. {plain(batch.interruption)}")
    else:
        st.error(plain(batch.error) or "The batch was not started.", icon=":material/broken_image:")
    if batch.can_resume:
        st.button(
            "Resume batch",
            icon=":material/resume:",
            key=f"resume-{batch.id}",
            on_click=partial(run_or_toast, partial(batches.resume_batch, batch)),
            **writing(help="Processes the remaining files."),
        )


def _show_results(batch: Batch, results: BatchResults, stamps: tuple[Stamp, ...]) -> None:
    _show_sentences("Without results", results.problems, ":material/broken_image:")
    _show_sentences("Notes", results.notes, ":material/info:")
    frontal = st.toggle(
        "Only frontal faces",
        key=f"frontal-{batch.id}",
        help=f"Counts only frames in which the face is within {batches.FRONTAL_DEGREES}° of the "
        "direction to the camera. Yaw, pitch and roll are estimated from five points; on drawn "
        "faces their mean errors are 3.7°, 6.0° and 2.2°.",
    )
    summary = _summary(str(batch.directory), stamps, frontal)
    if summary.empty:
        kind = "frontal face" if frontal else "face"
        st.info(f"No {kind} was found in these files.", icon=":material/search_off:")
    else:
        _show_plots(batch, results, summary)
        _show_summary(results, summary)
    show_batch_markers(batch, results)
    show_people(
        batch.id,
        batches.list_tracks(results),
        partial(_picture, batch),
        partial(batches.assign_tracks, batch, results),
    )
    _show_downloads(batch, results, summary)


def _show_sentences(title: str, sentences: tuple[str, ...], icon: str) -> None:
    if not sentences:
        return
    with st.expander(f"{title} ({len(sentences):,})", icon=icon):
        st.markdown("\n".join(f"- {plain(sentence)}" for sentence in sentences[:_MAX_SENTENCES]))
        if len(sentences) > _MAX_SENTENCES:
            st.caption(f"{len(sentences) - _MAX_SENTENCES:,} more; see the table of files.")


def _show_plots(batch: Batch, results: BatchResults, summary: pd.DataFrame) -> None:
    shares = batches.share_columns(results.class_names)
    names = [*results.class_names, _NOT_SURE]
    participants = batches.participant_means(summary, shares)
    if participants.empty:
        st.caption("No participant is named in the table of clips.")
        return
    conditions = batches.condition_means(participants, shares)
    by_condition: dict[str, dict[str, tuple[float, float | None, float | None]]] = {}
    for mean, name in zip(conditions, names * (len(conditions) // len(names)), strict=True):
        by_condition.setdefault(mean.condition, {})[name] = (mean.value, mean.low, mean.high)
    st.plotly_chart(
        condition_figure(by_condition),
        key=f"conditions-{batch.id}",
        config={"displayModeBar": False},
    )
    counts = {mean.condition: mean.participants for mean in conditions}
    said = ", ".join(
        f"{plain(name)}: {number:,}" if name else f"{number:,}" for name, number in counts.items()
    )
    st.caption(
        f"Mean over participants ({said}) of the share of their frames, with the 95 % t interval "
        "over participants. Of each file only the person seen in most frames counts; without a "
        "column participant each file is one."
    )
    bars = participants.head(_MAX_BARS)
    labels = [
        f"{row.participant} · {row.condition}" if row.condition else str(row.participant)
        for row in bars.itertuples()
    ]
    with st.expander("Participants", icon=":material/groups:", expanded=len(bars) <= 12):
        st.plotly_chart(
            participant_figure(
                bars[shares].set_axis(names, axis=1).set_axis(labels, axis=0), results.class_names
            ),
            key=f"participants-{batch.id}",
            config={"displayModeBar": False},
        )
        if len(participants) > len(bars):
            st.caption(f"The first {len(bars)} of {len(participants):,}.")


def _show_summary(results: BatchResults, summary: pd.DataFrame) -> None:
    described = {column.name: column for column in results.columns}
    st.dataframe(
        summary,
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(
                help=plain(f"{column.meaning} ({column.unit})"),
                format="%.3f" if column.kind == "number" else None,
            )
            for name, column in described.items()
            if column.kind != "text"
        },
    )
    said = "A row per file and person. The data dictionary says what each column means."
    if any(marks.excluded for marks in results.marks.files.values()):
        said += " Excluded ranges do not count."
    if results.marks.has_baseline:
        said += " In the last columns **a baseline is subtracted**."
    st.caption(said)


def _picture(batch: Batch, row: Row) -> np.ndarray | None:
    """Returns the pictures of a track side by side, uint8 RGB; None without any."""
    images = []
    for position in range(batches.MAX_CROPS):
        file = batch.crop_file(int(row["number"]), int(row["track"]), position)
        try:
            if file.is_file():
                images.append(vision.decode(file))
        except FerError:  # damaged
            continue
    images = [image for image in images if image.shape == images[0].shape]
    return np.hstack(images) if images else None


def _show_downloads(batch: Batch, results: BatchResults, summary: pd.DataFrame) -> None:
    ending = "-minus-baseline" if results.marks.has_baseline else ""
    size = sum(file.stat().st_size for file in batch.files.glob("*.csv"))
    with st.container(horizontal=True):
        _offer(
            batch,
            "Download summary (CSV)",
            partial(export_csv, summary),
            f"{ending}.csv",
            "text/csv",
        )
        _offer(
            batch,
            "Download summary (Parquet)",
            partial(batches.to_parquet, summary, results.columns),
            f"{ending}.parquet",
            "application/vnd.apache.parquet",
        )
        _offer(
            batch,
            "Download all tables (.zip)",
            partial(batches.zip_results, batch, results),
            ".zip",
            "application/zip",
            disabled=size > _MAX_ZIP_BYTES,
        )
    if size > _MAX_ZIP_BYTES:
        st.caption(
            "All tables are too large to download. `python -m fer_core batch` with the same "
            "settings writes them to a folder."
        )


def _offer(
    batch: Batch,
    label: str,
    data: Callable[[], str | bytes],
    suffix: str,
    mime: str,
    *,
    disabled: bool = False,
) -> None:
    name = file_name(f"{Path(batch.name).stem}-faces", suffix)
    # Made when the button is pressed.
    offer_download(label, data, name, mime, key=f"{label}-{batch.id}", disabled=disabled)
