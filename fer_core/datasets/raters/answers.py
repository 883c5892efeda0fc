"""Answers that raters can give."""

from collections.abc import Sequence

from fer_core.datasets.vote_table import CANNOT_TELL, NO_FACE

_FERPLUS = {"unknown": CANNOT_TELL, "nf": NO_FACE}  # what FER+ calls them


def answers_for(class_names: Sequence[str]) -> tuple[str, ...]:
    """Returns the answers for a dataset: its classes in label order, then "cannot tell", "no face".

    A class of that name is the answer itself.
    """
    return (*class_names, *(name for name in (CANNOT_TELL, NO_FACE) if name not in class_names))


def answer_of_ferplus(name: str) -> str:
    """Returns the answer that a column of FER+'s votes counts."""
    return _FERPLUS.get(name, name)
