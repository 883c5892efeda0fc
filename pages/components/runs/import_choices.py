"""Shows what is known of a foreign model, proposals, and a form for what its file does not say."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from fer_core.datasets import list_datasets
from fer_core.errors import FerError
from fer_core.model_io.importing import (
    COLORS,
    SCALINGS,
    ForeignModel,
    ImportChoices,
    Proposal,
    Proposals,
    dataset_of_inspection,
    discard_inspection,
    files_of,
    inspect_again,
    proposals_of,
    submit_import,
)
from fer_core.tasks import Task
from fer_core.text import counted
from fer_core.vision import MARGIN
from pages.components.shared.access import writing
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import format_size, plain
from pages.components.shared.task_progress import TaskLabels, show_task

# A line for each of `SCALINGS`, for people who do not know what a model does with pixels.
_VALUES = {
    "0..1": "0 to 1: pixels divided by 255, as most tutorials do",
    "-1..1": "−1 to 1: as MobileNet, Xception and Teachable Machine take them",
    "0..255": "0 to 255: pixels as they are, or the model scales them itself",
    "x/255-0.5": "−0.5 to 0.5: pixels divided by 255, minus 0.5",
    "standardized": "Standardized: each face with mean 0 and standard deviation 1",
    "inverted": "Inverted: black is 1 and white is 0",
    "imagenet-mean": "ImageNet's mean color subtracted, as VGG16, VGG19 and ResNet50 take them",
    "imagenet-standardized": "ImageNet's mean and deviation, as most PyTorch models take them",
}
_COLORS = {
    "gray": "Gray: faces are made gray, three times the same value",
    "RGB": "RGB: red, green, blue, as Keras and Pillow read images",
    "BGR": "BGR: blue, green, red, as OpenCV reads images",
}


def show_choices(inspection: Task, model: ForeignModel) -> None:
    """Shows what was found, and lets a person import the model."""
    st.subheader(f"Import {plain(model.file)}", anchor=False)
    _show_facts(model)
    proposals = proposals_of(inspection)
    if inspection.state.is_active or proposals is None:
        dataset = plain(dataset_of_inspection(inspection))
        labels = TaskLabels("Stop", f"It could not be tried on {dataset}.", "")
        show_task(inspection, labels)
    if proposals is not None:
        _show_proposals(inspection, model, proposals)
    if not inspection.state.is_active:
        _choose_dataset(inspection)
    _Form(inspection, model).show(proposals)


def _show_facts(model: ForeignModel) -> None:
    height, width, channels = model.input_shape
    with st.container(horizontal=True):
        st.badge(plain(model.label))
        for text in (
            format_size(model.size),
            f"{height}×{width}, {'gray' if channels == 1 else 'color'}",
            f"{model.classes} classes",
            f"{model.parameters:,} parameters",
        ):
            st.badge(text, color="gray")
    if model.facts:
        st.markdown("\n".join(f"- {plain(fact)}" for fact in model.facts))
    for sentence in model.warnings:
        st.warning(plain(sentence))
    if not model.trainable:
        st.caption(
            "It can predict and be evaluated. Training from it, Grad-CAM and most exports need "
            "a Keras model."
        )


def _show_proposals(inspection: Task, model: ForeignModel, proposals: Proposals) -> None:
    for sentence in proposals.warnings:
        st.warning(plain(sentence))
    if not proposals.best:
        return
    st.markdown(f"**Tried on {proposals.images} faces of {plain(proposals.dataset)}**")
    with st.grid(len(proposals.best), min_column_width=280):
        for number, proposal in enumerate(proposals.best):
            with st.container(border=True, gap="small"):
                _show_proposal(inspection, model, proposal, number)
    if len(proposals.best) > 1:
        st.caption(
            "In parentheses: the 95 % interval. If the two overlap, these faces hardly show which "
            "is right."
        )


def _show_proposal(inspection: Task, model: ForeignModel, proposal: Proposal, number: int) -> None:
    accuracy = proposal.accuracy
    st.markdown(
        f"**{accuracy.value:.0%} correct** ({accuracy.low:.0%} to {accuracy.high:.0%})  \n"
        f"{_VALUES[proposal.scaling]}  \n"
        + (f"{_COLORS[proposal.color]}  \n" if model.input_shape[2] == 3 else "")
        + f"Classes: {plain(', '.join(proposal.class_names))}"
    )
    st.button(
        "Import with these" if number == 0 else "Import with these instead",
        key=f"take-{inspection.id}-{number}",
        type="primary" if number == 0 else "secondary",
        icon=":material/input:",
        on_click=run_or_toast,
        args=(partial(_import, inspection, proposal.choices(), ""),),
        **writing(),
    )


def _import(inspection: Task, choices: ImportChoices | None, name: str) -> None:
    """Submits the import, which ends the inspection."""
    if choices is None:  # its button was off
        return
    files = files_of(inspection)
    submit_import(files.model, choices, files.weights, name=name)
    discard_inspection(inspection)


def _choose_dataset(inspection: Task) -> None:
    names = [dataset.name for dataset in list_datasets()]
    tried = dataset_of_inspection(inspection)
    others = [name for name in names if name != tried]
    if not others:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Try it on other faces" if tried else "Try it on labeled faces",
            others,
            key=f"try-{inspection.id}",
            width=260,
        )
        st.button(
            "Try",
            key=f"try-again-{inspection.id}",
            on_click=run_or_toast,
            args=(partial(inspect_again, inspection, chosen),),
            **writing(),
        )


class _Form:
    """Holds the fields for what a file does not say."""

    def __init__(self, inspection: Task, model: ForeignModel) -> None:
        self._inspection, self._model = inspection, model

    def show(self, proposals: Proposals | None) -> None:
        """Shows the fields, filled with the best proposal if there is one."""
        best = proposals.best[0] if proposals and proposals.best else None
        with st.expander("Enter the settings", icon=":material/tune:", expanded=best is None):
            # Other fields when there is a proposal: what was filled in stays otherwise.
            key = f"{self._inspection.id}-{proposals.dataset if proposals else ''}"
            name = st.text_input(
                "Name", key=f"name-{key}", placeholder=plain(self._model.file), max_chars=100
            )
            choices = self._fields(best, key)
            st.button(
                "Import",
                key=f"import-{key}",
                icon=":material/input:",
                on_click=run_or_toast,
                args=(partial(_import, self._inspection, choices, name.strip()),),
                **writing(disabled=choices is None),
            )

    def _fields(self, best: Proposal | None, key: str) -> ImportChoices | None:
        """Returns the choices, or says what is still missing."""
        scaling = self._choose_scaling(best, key)
        color = "gray" if self._is_gray else _choose_color(best, key)
        text = self._choose_names(best, key)
        margin = st.number_input(
            "Margin around the face",
            0.0,
            2.0,
            MARGIN,
            step=0.05,
            key=f"margin-{key}",
            help="How far the crop of a detected face extends beyond the detector's box, as a "
            "share of the box's longer side; 0 crops at the box. Choose what the training "
            "images show.",
        )
        class_names = tuple(line.strip() for line in text.splitlines() if line.strip())
        try:
            _check_names(class_names, self._model.classes)
            return ImportChoices(class_names, scaling, color, margin)
        except FerError as error:
            st.caption(f":material/info: {plain(str(error))}")
            return None

    @property
    def _is_gray(self) -> bool:
        return self._model.input_shape[2] == 1

    def _choose_scaling(self, best: Proposal | None, key: str) -> str:
        scalings = [self._model.scaling] if self._model.scaling else list(SCALINGS)
        if self._is_gray:
            scalings = [name for name in scalings if not name.startswith("imagenet")]
        return st.selectbox(
            "Pixel values",
            scalings,
            index=scalings.index(best.scaling) if best else 0,
            format_func=lambda name: _VALUES[name],
            key=f"scaling-{key}",
            help="How the training program scaled pixels from 0 to 255. With another scaling the "
            "model sees faces that are too dark or too bright, and predicts wrongly.",
        )

    def _choose_names(self, best: Proposal | None, key: str) -> str:
        classes = self._model.classes
        return st.text_area(
            f"{classes} classes, one per line, in the order of the model's outputs",
            "\n".join(best.class_names if best else self._model.class_names),
            key=f"classes-{key}",
            height=min(400, 40 + 26 * max(classes, 3)),
            placeholder="angry\ndisgust\nfear\n…",
            help="The order in which the model was trained. Keras's folder readers sort classes "
            "alphabetically; FER2013 begins with angry, disgust, fear, happy.",
        )


def _choose_color(best: Proposal | None, key: str) -> str:
    colors = list(COLORS)
    return st.selectbox(
        "Color",
        colors,
        index=colors.index(best.color if best else "RGB"),
        format_func=lambda name: _COLORS[name],
        key=f"color-{key}",
        help="The order in which the model expects the three color channels.",
    )


def _check_names(names: Sequence[str], classes: int) -> None:
    if len(names) != classes:
        raise FerError(
            f"The model has {counted(classes, 'output')}, and there are "
            f"{counted(len(names), 'name')}. Write a name for each, one per line."
        )
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise FerError(f"The names must differ. Repeated: {', '.join(repeated)}")
