"""Maps the class names of a dataset to expressions."""

import re
from collections.abc import Iterable

from fer_core.expressions import EXPRESSIONS, RAF_DB, canonical, is_known
from fer_core.text import some

_NUMBERED = re.compile(r"\d+[\s._-]+(?=\D)")  # "0_angry", "3 - happy"


def map_classes(names: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Returns the expression of each class name, and notes on names that were interpreted."""
    names = set(names)
    numbers = {name: int(name) for name in names if name.isdecimal()}
    table, notes = _numbering(set(numbers.values()))
    expressions = {name: table.get(numbers.get(name, -1)) or _expression(name) for name in names}
    synonyms = sorted(
        f"{name} → {expressions[name]}"
        for name in names
        if name not in numbers and name.strip().lower() != expressions[name]
    )
    if synonyms:
        notes.append(f"Class names were mapped to expressions: {some(synonyms, 10)}.")
    others = sorted(set(expressions.values()).difference(EXPRESSIONS))
    if others:
        notes.append(f"Classes beyond the seven basic expressions: {some(others, 10)}.")
    return expressions, notes


def fer2013_number(name: str) -> str:
    """Maps FER2013's numbers 0 to 6 to class names; returns other names unchanged."""
    number = int(name) if name.isdecimal() else -1
    return EXPRESSIONS[number] if 0 <= number < len(EXPRESSIONS) else name


def is_expression(name: str) -> bool:
    """Returns whether a folder name looks like an expression: a known word, or one digit."""
    return is_known(_expression(name)) or (name.isdecimal() and len(name) == 1)


def _expression(name: str) -> str:
    word = _NUMBERED.sub("", name.strip(), count=1)
    return canonical(word if is_known(word) else name)


def _numbering(numbers: set[int]) -> tuple[dict[int, str], list[str]]:
    """Returns the expressions of numeric classes, inferred from the range of numbers, and notes."""
    if not numbers:
        return {}, []
    span = f"{min(numbers)} to {max(numbers)}"
    if numbers <= set(range(1, 8)):
        table = {int(number): expression for number, expression in RAF_DB.items()}
        return table, [f"Classes {span} use RAF-DB's numbering: {_legend(table)}."]
    if numbers <= set(range(7)):
        table = dict(enumerate(EXPRESSIONS))
        return table, [f"Classes {span} use FER2013's numbering: {_legend(table)}."]
    return {}, [
        f"Classes {span} match neither FER2013's numbering (0 to 6) nor RAF-DB's (1 to 7) and "
        "keep their numbers: to train on expressions, rename them and add the dataset again."
    ]


def _legend(table: dict[int, str]) -> str:
    return ", ".join(f"{number} {expression}" for number, expression in table.items())
