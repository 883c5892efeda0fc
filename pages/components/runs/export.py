"""Exports a run's model to other programs, and shows how each export answers beside it."""

from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from fer_core import model_io
from fer_core.errors import FerError
from fer_core.model_io import DRAWN, FORMATS, Export, Format, Timing
from fer_core.runs import Run
from pages.components.shared.access import writing
from pages.components.shared.downloads import offer_download
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import code, file_name, format_size, plain
from pages.components.shared.task_progress import TaskLabels, show_task


def offer_export(run: Run) -> None:
    """Shows a form to export the run's model, running exports, and finished ones."""
    if run.model_file is None:
        return
    exports, asked = model_io.list_exports(run), model_io.exports_of(run)
    active = any(task.state.is_active for task in asked)
    with st.expander(
        "Export to other programs", icon=":material/output:", expanded=bool(exports or active)
    ):
        st.caption(
            "Writes the model in another format, with a README whose code runs as it is, and "
            "compares the predictions of both on the same 64 faces."
        )
        _offer(run)
        for number, task in enumerate(asked):
            if number == 0 or task.state.is_active:
                show_task(task, _labels(task.request.arguments if task.request else {}))
        for export in exports:
            _show(export)
        if exports:
            st.caption("Times are measured on one CPU core. Loading includes Python's imports.")


def _offer(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Format",
            list(FORMATS),
            format_func=lambda name: FORMATS[name].label,
            key=f"export-format-{run.id}",
            width=260,
        )
        missing = _missing(FORMATS[name])
        st.button(
            "Export",
            icon=":material/output:",
            key=f"export-{run.id}",
            on_click=run_or_toast,
            args=(partial(model_io.submit_export, run, name),),
            **writing(disabled=bool(missing), help=missing or None),
        )
    if missing:
        st.caption(missing)


def _missing(format: Format) -> str:
    """Returns a sentence if something that the format needs is not installed, else ""."""
    if (missing := format.missing) is None:
        return ""
    return f"{format.label} needs {replace(missing, command=code(missing.command))}"


def _labels(asked: dict) -> TaskLabels:
    format = FORMATS.get(asked.get("format", ""))
    name = plain(format.label if format else asked.get("format", ""))
    return TaskLabels("Stop exporting", f"**{name}** was not exported.", f"**{name}**.")


def _show(export: Export) -> None:
    with st.container(border=True, gap="small"):
        st.markdown(f"**{export.format.label}**")
        try:
            is_current = export.is_current
        except FerError as error:
            st.warning(plain(str(error)))
            return
        if not is_current:
            st.info("The run has changed since this export. Export it again.")
            return
        _show_report(export)
        if not export.report.failure:
            offer_download(
                f"Download {export.format.label} (.zip)",
                export.zipped,
                file_name(export.run.id, f"-{export.format.name}.zip"),
                "application/zip",
                key=f"download-export-{export.run.id}-{export.format.name}",
            )


def _show_report(export: Export) -> None:
    report = export.report
    if report.failure:
        st.error(f"**Do not use this export.** {report.failure}", icon=":material/error:")
    faces = "drawn" if report.source == DRAWN else "validation"
    said = [
        f"{report.agreeing} of {report.faces} {faces} faces get the model's label. Probabilities "
        f"differ by at most {report.largest_difference:.1g}."
    ]
    if report.source == DRAWN:
        said.append("The run's dataset is not on this machine, so accuracy was not compared.")
    if report.answers is not None and export.format.is_quantized:
        said.append(f"Exact McNemar test of both accuracies: p = {report.answers.p_value:.2f}.")
    st.markdown(" ".join(said))
    accuracies = report.accuracies()
    rows = {"Keras": report.model, export.format.label: report.export}
    table = pd.DataFrame([_row(timing) for timing in rows.values()], index=list(rows))
    if accuracies:
        table.insert(0, f"Accuracy on {report.faces} faces", list(map(str, accuracies)))
    st.dataframe(table, width="stretch")


def _row(timing: Timing) -> dict[str, str]:
    return {
        "Size": format_size(timing.size),
        "Loading": f"{timing.load_seconds:.2f} s",
        "One face": f"{timing.one_ms:.2f} ms",
        "A face in batches of 32": f"{timing.batch_ms:.2f} ms",
    }
