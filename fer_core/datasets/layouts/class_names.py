"""Maps the class names of a dataset to expressions, or asks what they mean."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from fer_core.datasets.layouts.choices import Choices, Question
from fer_core.datasets.layouts.numberings import (
    COMPOUND_EXPRESSIONS,
    FREE,
    LEFT_OUT,
    NUMBERINGS,
    Numbering,
    fitting,
    parse_number,
)
from fer_core.errors import FerError
from fer_core.expressions import EXPRESSIONS, canonical, is_known
from fer_core.text import some

_NUMBERED = re.compile(r"^\d+[\s._-]+(?=\D)")  # "0_angry", "3 - happy"
_NUMBER_BEHIND = re.compile(r"(?<=\D)[\s._-]+\d+$")  # "angry_0"
_SHOWN = 10  # names in a note


@dataclass(frozen=True)
class ClassNames:
    """Maps each class name to its expression, and holds what is to be said or asked about it."""

    expressions: dict[str, str]  # `LEFT_OUT` for classes whose images are left out
    numbering: str = ""  # the one that numbers were read by
    candidates: tuple[str, ...] = ()  # numberings that fit the numbers
    notes: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)  # those of a person


@dataclass(frozen=True)
class Conventions:
    """Describes the class names of a layout."""

    numbering: str = ""  # the numbering that its numbers are in
    meanings: Mapping[str, str] = field(default_factory=dict)  # codes such as "AF" → expression

    def __post_init__(self) -> None:
        """Checks the numbering, which a damaged file may have wrong.

        Raises:
            FerError: there is none of that name.
        """
        if self.numbering and self.numbering not in NUMBERINGS:
            raise FerError(f"An unknown numbering of classes. Received: {self.numbering!r}")


def read_class_names(
    splits: Mapping[str, Collection[str]],
    choices: Choices | None = None,
    conventions: Conventions | None = None,
) -> ClassNames:
    """Finds the expression of each class name.

    Numbers are never mapped by halves: all of them fit one numbering, or they stay numbers. If
    several numberings fit, or names such as "calm" and "neutral" would become one class, asks.

    Args:
        splits: of each class name, those in which it occurs.

    Raises:
        FerError: the chosen numbering lacks numbers of the data, or a chosen class is not there.
    """
    choices, conventions = choices or Choices(), conventions or Conventions()
    chosen, missing = _chosen(splits, choices)
    known = {name: conventions.meanings[name] for name in splits if name in conventions.meanings}
    rest = [name for name in splits if name not in chosen and name not in known]
    numbers = {name: number for name in rest if (number := parse_number(name)) is not None}
    by_number = _read_numbers(set(numbers.values()), choices.numbering, conventions.numbering)
    words = {name: _expression(name) for name in rest if name not in numbers}
    read = {name: by_number.expressions[str(number)] for name, number in numbers.items()}
    expressions = {**words, **read, **known, **chosen}
    undecided = numbers if by_number.questions else {}
    decided = {name: each for name, each in expressions.items() if name not in undecided}
    merged, questions = _merges(decided, splits, chosen)
    notes = _notes(decided, words, {**known, **chosen})
    return ClassNames(
        {name: expressions[name] for name in splits},
        by_number.numbering,
        by_number.candidates,
        (*by_number.notes, *notes, *merged, *missing),
        (*by_number.questions, *questions),
        chosen,
    )


def is_expression(name: str) -> bool:
    """Returns whether a folder name is a known expression, also after a number: "3_happy"."""
    expression = _expression(name)
    return is_known(expression) or expression in COMPOUND_EXPRESSIONS


def name_key(name: str) -> str:
    """Returns what names of one class share: "3" and "3.0", or "Happy" and "happy"."""
    number = parse_number(name)
    return name.strip().lower() if number is None else str(number)


def meaning(name: str, numbering: str, conventions: Conventions) -> str | None:
    """Returns the expression of one class name; None if the numbering does not tell it.

    Args:
        numbering: by which to read numbers; "" if that is open.
    """
    if name in conventions.meanings:
        return conventions.meanings[name]
    number = parse_number(name)
    if number is None:
        return _expression(name)
    if numbering == FREE:
        return str(number)
    return NUMBERINGS[numbering].expressions.get(number) if numbering else None


def _expression(name: str) -> str:
    word = _NUMBER_BEHIND.sub("", _NUMBERED.sub("", name.strip(), count=1))
    words = re.sub(r"[\s_-]+", " ", word).lower()
    if words in COMPOUND_EXPRESSIONS:
        return words
    return canonical(word if is_known(word) else name)


def _chosen(names: Collection[str], choices: Choices) -> tuple[dict[str, str], list[str]]:
    """Returns the chosen expressions, and a note on chosen names that no image has.

    3 stands for "3.0" too, and names may have any case.
    """
    wanted = {name_key(name): expression for name, expression in choices.classes.items()}
    chosen = {name: wanted[name_key(name)] for name in names if name_key(name) in wanted}
    missing = sorted(set(wanted) - set(map(name_key, chosen)))
    if missing and not chosen:
        raise FerError(
            f"A class to be mapped must be in the data. Received: {some(missing)}. The data have "
            f"{some(sorted(names), 20)}."
        )
    notes = [f"No image is of class {some(missing, _SHOWN)}, which was mapped."] if missing else []
    return chosen, notes


def _read_numbers(numbers: Collection[int], chosen: str, usual: str) -> ClassNames:
    """Reads class numbers, all or none; the keys of the result are the numbers in digits."""
    if not numbers:
        return ClassNames({})
    span = _span(numbers)
    fits = fitting(numbers)
    candidates = tuple(each.name for each in fits)
    as_numbers = ClassNames({str(number): str(number) for number in numbers}, FREE, candidates)
    if chosen == FREE:
        return replace(as_numbers, notes=(f"Classes {span} keep their numbers, as chosen.",))
    if chosen:
        return _by_numbering(numbers, NUMBERINGS[chosen], candidates, "as chosen")
    if usual and NUMBERINGS[usual].expressions.keys() >= set(numbers):
        return _by_numbering(numbers, NUMBERINGS[usual], candidates)
    if len(fits) == 1 and fits[0].usual <= set(numbers):
        return _by_numbering(numbers, fits[0], candidates)
    if fits:
        return ClassNames(
            as_numbers.expressions, "", candidates, questions=(_which_numbering(span, fits),)
        )
    note = (
        f"Classes {span} fit no known numbering of expressions and keep their numbers. To name "
        "them, map each to an expression (in the terminal: --map 3=happy)."
    )
    return replace(as_numbers, notes=(note,))


def _by_numbering(
    numbers: Collection[int], numbering: Numbering, candidates: tuple[str, ...], why: str = ""
) -> ClassNames:
    missing = sorted(set(numbers) - numbering.expressions.keys())
    if missing:
        raise FerError(
            f"The numbering of {numbering.title} must have all numbers of the data. It is "
            f"{numbering.legend}, and lacks {some(list(map(str, missing)), 10)}. Choose another, "
            "or map these numbers to expressions too."
        )
    notes = [
        f"Class numbers {_span(numbers)} are read by {numbering.title}'s numbering"
        f"{', ' + why if why else ''}: {numbering.legend}."
    ]
    out = sorted(n for n in numbers if numbering.expressions[n] == LEFT_OUT)
    if out:
        notes.append(
            f"Left out classes {some(list(map(str, out)), 10)}, which are no expressions in "
            f"{numbering.title}'s numbering."
        )
    read = {str(number): numbering.expressions[number] for number in numbers}
    return ClassNames(read, numbering.name, candidates, tuple(notes))


def _which_numbering(span: str, fits: list[Numbering]) -> Question:
    readings = "; ".join(f"{each.title} ({each.legend})" for each in fits)
    names = ", ".join(each.name for each in fits)
    return Question(
        "numbering",
        f"The class numbers {span} fit {'several numberings' if len(fits) > 1 else 'a numbering'}: "
        f"{readings}. Choose which one it is, or an expression for each number.",
        tuple(each.name for each in fits),
        f"--numbering with one of {names}, or {FREE} to keep the numbers; --map 3=happy",
    )


def _merges(
    expressions: Mapping[str, str],
    splits: Mapping[str, Collection[str]],
    chosen: Mapping[str, str],
) -> tuple[list[str], list[Question]]:
    """Returns notes on names of one expression in different splits, questions on others."""
    together: dict[str, list[str]] = {}
    for name, expression in expressions.items():
        if expression != LEFT_OUT:
            together.setdefault(expression, []).append(name)
    notes, questions = [], []
    for expression, names in together.items():
        open_names = [name for name in names if name not in chosen]
        if len({_spelling(name) for name in open_names}) < 2:
            continue
        shown = " and ".join(sorted(names))
        places = [set(splits[name]) for name in names]
        if len(set.union(*places)) == sum(map(len, places)):
            notes.append(f"{shown}, in different splits, are read as one class, {expression}.")
            continue
        others = [name for name in open_names if name.strip().lower() != expression]
        apart = " ".join(f"--map {name}={name.strip().lower()}" for name in others)
        one = " ".join(f"--map {name}={expression}" for name in others)
        questions.append(
            Question(
                "classes",
                f"The classes {shown} could both mean {expression}. Choose whether they are one "
                "class or stay apart.",
                tuple(sorted(names)),
                f"{one} for one class, {apart} to keep them apart",
            )
        )
    return notes, questions


def _spelling(name: str) -> str:
    """Returns what two spellings of one name share: "0_Happy" and "happy" are no two classes."""
    number = parse_number(name)
    word = _NUMBERED.sub("", name.strip(), count=1).lower()
    return word if number is None else str(number)


def _notes(
    expressions: Mapping[str, str],
    words: Mapping[str, str],
    told: Mapping[str, str],
) -> list[str]:
    notes = []
    interpreted = sorted(
        f"{name} → {expression or 'left out'}"
        for name, expression in {**words, **told}.items()
        if name.strip().lower() != expression
    )
    if interpreted:
        notes.append(f"Class names were mapped to expressions: {some(interpreted, _SHOWN)}.")
    others = sorted(set(expressions.values()).difference(EXPRESSIONS, [LEFT_OUT]))
    if others:
        notes.append(f"Classes beyond the seven basic expressions: {some(others, _SHOWN)}.")
    unknown = sorted(name for name in words if not is_expression(name))
    if unknown:
        notes.append(
            f"These names are no known expressions and stay classes of their own: "
            f"{some(unknown, _SHOWN)}."
        )
    return notes


def _span(numbers: Collection[int]) -> str:
    """Returns "0 to 6", or the numbers themselves if there are gaps."""
    ordered = sorted(numbers)
    if len(ordered) > 2 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{ordered[0]} to {ordered[-1]}"
    return some(list(map(str, ordered)), _SHOWN)
