"""What the class names of a data set mean."""

import re
from collections.abc import Iterable

from fer_core.expressions import EXPRESSIONS, RAF_DB, canonical, is_known
from fer_core.text import some

_NUMBERED = re.compile(r"\d+[\s._-]+(?=\D)")  # "0_angry", "3 - happy"


def meanings(names: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """The expression that every class name stands for, and notes on what is not plain to see."""
    names = set(names)
    numbers = {name: int(name) for name in names if name.isdecimal()}
    table, notes = _numbering(set(numbers.values()))
    found = {name: table.get(numbers.get(name, -1)) or _expression(name) for name in names}
    synonyms = sorted(
        f"{name} as {found[name]}"
        for name in names
        if name not in numbers and name.strip().lower() != found[name]
    )
    if synonyms:
        notes.append(f"Class names were read by their meaning: {some(synonyms, 10)}.")
    own = sorted(set(found.values()).difference(EXPRESSIONS))
    if own:
        notes.append(f"Beside the seven basic expressions there are: {some(own, 10)}.")
    return found, notes


def fer2013_number(name: str) -> str:
    """The class name that stands for FER2013's number 0 to 6; other names as they are."""
    number = int(name) if name.isdecimal() else -1
    return EXPRESSIONS[number] if 0 <= number < len(EXPRESSIONS) else name


def is_expression(name: str) -> bool:
    """Whether a folder's name looks like that of an expression: a known word, or one digit."""
    return is_known(_expression(name)) or (name.isdecimal() and len(name) == 1)


def _expression(name: str) -> str:
    word = _NUMBERED.sub("", name.strip(), count=1)
    return canonical(word if is_known(word) else name)


def _numbering(numbers: set[int]) -> tuple[dict[int, str], list[str]]:
    """The meaning of classes that are numbers, by which numbers there are."""
    if not numbers:
        return {}, []
    span = f"{min(numbers)} to {max(numbers)}"
    if numbers <= set(range(1, 8)):
        table = {int(number): expression for number, expression in RAF_DB.items()}
        return table, [f"The classes {span} were read by RAF-DB's numbering: {_legend(table)}."]
    if numbers <= set(range(7)):
        table = dict(enumerate(EXPRESSIONS))
        return table, [f"The classes {span} were read by FER2013's numbering: {_legend(table)}."]
    return {}, [
        f"The classes {span} fit neither FER2013's numbers (0 to 6) nor RAF-DB's (1 to 7) and "
        "stay numbers: rename them to expressions if you know their meaning."
    ]


def _legend(table: dict[int, str]) -> str:
    return ", ".join(f"{number} {expression}" for number, expression in table.items())
