"""Fields that change what the classes and splits of a dataset, or of a source, are."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice

import streamlit as st

from fer_core.datasets import SPLITS
from fer_core.datasets.importing import MAX_CLASSES, MOST_CLASSES, Preview, Proposal
from fer_core.datasets.layouts import (
    FREE,
    NUMBERING_NAMES,
    NUMBERINGS,
    Choices,
    Question,
    parse_number,
)
from fer_core.errors import FerError
from fer_core.expressions import EXPRESSIONS
from fer_core.text import counted
from pages.components.shared.formatting import SPLITS as SPLIT_NAMES
from pages.components.shared.formatting import plain

LEFT_OUT = ""  # as in `Choices`
_AS_TRAINING = "no split"  # of images that the data assign to no split
_PICTURE = 208  # pixels, of a class


@dataclass(frozen=True)
class Edited:
    """Holds the choices that the fields show, and what must be decided before they are used."""

    choices: Choices
    questions: tuple[Question, ...] = ()
    problem: str = ""

    @property
    def is_decided(self) -> bool:
        """Tells whether the choices can be used."""
        return not self.questions and not self.problem


class ClassEditor:
    """Shows the classes and splits of a preview in fields, and returns what was chosen."""

    def __init__(
        self,
        preview: Preview,
        start: Choices,
        key: str,
        pictures: Callable[[int], list[bytes]],
        proposal: Proposal | None = None,
    ) -> None:
        """Shows nothing yet.

        Args:
            start: what the fields show at first.
            key: begins the keys of the fields; another one for another preview.
            pictures: JPEG files of a class, given its number.
        """
        self._preview, self._start, self._key = preview, start, key
        self._pictures, self._proposal = pictures, proposal
        self._first, self._splits = preview.read(start)
        self._own, self._own_splits = preview.read(Choices())

    @staticmethod
    def numbering_key(key: str) -> str:
        """Returns the key of the field for the numbering."""
        return f"{key}-numbering"

    def show(self) -> Edited:
        """Shows the fields."""
        numbering = self._show_numbering()
        classes = self._show_classes(numbering)
        splits = self._show_splits()
        if numbering == self._own.numbering and not classes:
            numbering = ""
        try:
            choices = replace(self._start, numbering=numbering, classes=classes, splits=splits)
            names, _ = self._preview.read(choices)
        except FerError as error:
            return Edited(self._start, problem=str(error))
        return Edited(choices, names.questions, _count_problem({*names.expressions.values()}))

    def _show_numbering(self) -> str:
        """Returns the chosen numbering; "" if there are no class numbers or it is open."""
        if not self._preview.has_numbers():
            return ""
        fitting = self._own.candidates or self._first.candidates
        shares = self._proposal.shares if self._proposal else {}
        names = sorted(fitting, key=lambda name: -shares.get(name, 0.0))
        first = self._first.numbering
        options = list(dict.fromkeys([*names, FREE, *([first] if first else [])]))
        if not fitting:  # all of them, since single numbers may be chosen otherwise
            options = list(dict.fromkeys([*options, *NUMBERING_NAMES]))
        field = self.numbering_key(self._key)
        if first:
            st.session_state.setdefault(field, first)  # the proposal's button sets it too
        chosen: str | None = st.selectbox(
            "Class numbers",
            options,
            index=0 if first else None,
            format_func=lambda name: _numbering_label(name, shares.get(name)),
            placeholder="Choose what the numbers mean",
            key=field,
            help="Lists the numberings that include every class number in the data.",
        )
        return chosen or ""

    def _show_classes(self, numbering: str) -> dict[str, str]:
        """Returns the expressions that differ from what the names mean by themselves."""
        preview = self._preview
        asked = self._asked(numbering)
        st.markdown(
            "**Classes**: each name in the data, and its expression. Choose one, or type another "
            "name."
        )
        chosen = {}
        for number, (name, images) in enumerate(islice(preview.classes.items(), MOST_CLASSES)):
            meaning = preview.meaning(name, numbering)
            if number % 2 == 0:  # in rows, so that narrow screens keep the order
                cells = st.columns(2)
            with cells[number % 2].container(horizontal=True, vertical_alignment="bottom"):
                value = self._show_class(number, name, images, numbering, name in asked)
            if value is not None and (value != meaning or name in asked):
                chosen[name] = value
        more = len(preview.classes) - MOST_CLASSES
        if more > 0 or preview.omitted:
            st.caption(f"{counted(max(more, 1), 'more class', 'more classes')} stay as they are.")
        return chosen

    def _asked(self, numbering: str) -> set[str]:
        """Returns the classes of which it is open whether they are one."""
        preview = self._preview
        unknown = {name: "" for name in preview.classes if preview.meaning(name, numbering) is None}
        names, _ = preview.read(Choices(numbering=numbering, classes=unknown))
        return {
            name
            for question in names.questions
            for name in question.options
            if question.about == "classes" and preview.meaning(name, numbering) != _own_name(name)
        }

    def _show_class(
        self, number: int, name: str, images: int, numbering: str, is_asked: bool
    ) -> str | None:
        meaning = self._preview.meaning(name, numbering)
        is_number = self._preview.meaning(name, "") is None
        first = None if is_asked else meaning
        if not is_number or numbering == self._first.numbering:
            first = self._first.chosen.get(name, first)
        options = [meaning, first, _own_name(name), *EXPRESSIONS, "contempt"]
        words = self._first.expressions.values()
        options += [each for each in words if parse_number(each) is None]
        kept = [each for each in dict.fromkeys(options) if each]
        pictures = self._pictures(number)
        if pictures:
            with st.container(horizontal=True, gap="xsmall", width="content"):
                for picture in pictures:
                    st.image(picture, width=_PICTURE // len(pictures))
        value: str | None = st.selectbox(
            f"{plain(name)} · {counted(images, 'image')}",
            [*kept, LEFT_OUT],
            index=None if first is None else [*kept, LEFT_OUT].index(first),
            format_func=lambda each: each or "Leave out",
            placeholder="Choose the expression",
            accept_new_options=True,
            key=f"{self._key}-class-{number}{f'-{numbering}' if is_number else ''}",
            width=184,
        )
        return value if value is None else value.strip().lower()

    def _show_splits(self) -> dict[str, str]:
        """Returns the splits that differ from what their names mean by themselves."""
        words = self._preview.splits
        origin = f", from {plain(self._preview.split_origin)}" if self._preview.split_origin else ""
        if set(words) == {""}:
            st.markdown("**Splits**: none in the data. Validation is drawn from all images.")
            return {}
        st.markdown(f"**Splits**{origin}: each name in the data, and its split")
        chosen = {}
        for number, (word, images) in enumerate(islice(words.items(), MOST_CLASSES)):
            own = self._own_splits[word] or _AS_TRAINING
            first = self._start.splits.get(word, own)
            options = [*([own] if own == _AS_TRAINING else []), *SPLITS, LEFT_OUT]
            if number % 2 == 0:
                cells = st.columns(2)
            value = cells[number % 2].selectbox(
                f"{plain(word) or 'without a split'} · {counted(images, 'image')}",
                options,
                index=options.index(first),
                format_func=_split_label,
                key=f"{self._key}-split-{number}",
            )
            if value != own:
                chosen[word] = value
        return chosen


def _count_problem(expressions: set[str]) -> str:
    """Returns why a dataset cannot have these classes, or ""."""
    count = len(expressions - {LEFT_OUT})
    if count == 0:
        return "No image is left: every class is left out."
    if count > MAX_CLASSES:
        return f"A dataset must have at most {MAX_CLASSES} classes. There are {count:,}."
    return ""


def show_questions(edited: Edited) -> None:
    """Shows what must be decided before the choices can be used."""
    if edited.problem:
        st.error(plain(edited.problem))
    for question in edited.questions:
        text = question.text
        if question.about == "numbering":  # the field lists them
            text = "The class numbers fit several numberings. Choose what they mean."
        st.warning(plain(text), icon=":material/help:")


def _own_name(name: str) -> str:
    return name.strip().lower()


def _numbering_label(name: str, share: float | None) -> str:
    if name not in NUMBERINGS:
        return "Keep the numbers"
    agrees = "" if share is None else f" ({share:.0%} agree)"
    return f"{NUMBERINGS[name].title}{agrees}: {NUMBERINGS[name].legend}"


def _split_label(split: str) -> str:
    if split == _AS_TRAINING:
        return "Training, from which missing splits are drawn"
    return SPLIT_NAMES.get(split, "Leave out")
