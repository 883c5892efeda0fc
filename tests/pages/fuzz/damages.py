"""Makes a small workspace and damages copies of its runs, datasets and tasks.

Every damage of a file is done in an own copy of the run, dataset or task that the file belongs to,
so that one workspace holds many damages, none of which hides another.
"""

import json
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LIVE_TASKS = (
    "tasks/20261128-023304_import",
    "tasks/20261128-023307_examine",
    "tasks/20261128-023427_evaluate",
    "tasks/20261128-023506_video",
)

Damage = Callable[[Path], None]


def _write(content: bytes) -> Damage:
    def damage(path: Path) -> None:
        path.write_bytes(content)

    return damage


def _truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def _garble(path: Path) -> None:
    content = bytearray(path.read_bytes() or b"\xff")
    for position in range(0, len(content), 7):
        content[position] ^= 0x55
    path.write_bytes(content)


def _replaced(make: Callable[[Path], object]) -> Damage:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


def _socket(path: Path) -> None:
    # The name of a socket may have 107 characters, so it is made elsewhere and moved.
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/socket")
        Path(folder, "socket").replace(path)


FILE_DAMAGES: dict[str, Damage] = {
    "missing": Path.unlink,
    "empty": _write(b""),
    "truncated": _truncate,
    "garbled": _garble,
    "binary": _write(bytes(range(256)) * 20),
    "a folder": _replaced(Path.mkdir),
    "a link to itself": _replaced(lambda path: path.symlink_to(path)),
    "a link to nothing": _replaced(lambda path: path.symlink_to("nothing")),
    "a link to a device": _replaced(lambda path: path.symlink_to("/dev/zero")),
    "a pipe": _replaced(os.mkfifo),
    "a socket": _replaced(_socket),
    "huge": _replaced(lambda path: (path.touch(), os.truncate(path, 10**12))),
    "deep": _write(b"[" * 3_000),
    "null": _write(b"null"),
    "a list": _write(b"[1]"),
    "an empty object": _write(b"{}"),
    "no permission": lambda path: path.chmod(0),
}
JSON_VALUES: dict[str, str] = {
    "null": "null",
    "true": "true",
    "a word": '"x"',
    "an empty word": '""',
    "a control character": '"a\\u0000\\r\\n<b>"',
    "minus one": "-1",
    "a fraction": "1.5",
    "1e18": "1e18",
    "1e308": "1e308",
    "30 digits": "1" + "0" * 30,
    "NaN": "NaN",
    "Infinity": "Infinity",
    "a list": "[[]]",
    "an object": '{"x": {}}',
    "deep": "[" * 600 + "]" * 600,
    "a long word": json.dumps("x" * 100_000),
}
CELLS: dict[str, str] = {
    "empty": "",
    "a word": "x",
    "an open quote": '"1',
    "a comma": "1,2",
    "minus one": "-1",
    "1e308": "1e308",
    "30 digits": "1" + "0" * 30,
    "nan": "nan",
    "inf": "inf",
    "a carriage return": '"1\r2"',
}


@dataclass(frozen=True)
class Case:
    """A damage of a file in a workspace."""

    file: str  # relative to the workspace
    name: str
    damage: Damage

    @property
    def item(self) -> str:
        """Returns the folder of the run, dataset or task; empty for a file of the workspace."""
        parts = self.file.split("/")
        return "/".join(parts[:2]) if parts[0] in ("runs", "datasets", "tasks") else ""


def add_live_items(workspace: Path, process: Mapping[str, Any]) -> None:
    """Adds a run and tasks on which a process works.

    Args:
        process: the `process_record` of a process that is alive.
    """
    for item in ("runs/20261128-023321_cnn_classic_faces", *_LIVE_TASKS):
        live = workspace / f"{item}-live"
        shutil.copytree(workspace / item, live)
        (live / "attempts/0/exit.json").unlink()
        (live / "attempts/0/process.json").write_text(json.dumps(process))
        (live / "result.json").unlink()
        for name in ("predictions", "maps"):
            shutil.rmtree(live / name, ignore_errors=True)


def cases(workspace: Path) -> Iterator[Case]:
    """Yields every damage of one file of each kind: of each name in the same kind of item."""
    seen: set[str] = set()
    for path in sorted(workspace.rglob("*")):
        file = path.relative_to(workspace).as_posix()
        kind = _kind(file)
        if not path.is_file() or kind in seen:
            continue
        seen.add(kind)
        for name, damage in FILE_DAMAGES.items():
            yield Case(file, name, damage)
        if path.suffix == ".json":
            yield from _json_cases(path, file)
        if path.suffix == ".csv":
            yield from _csv_cases(path, file)


def _kind(file: str) -> str:
    """Returns what files of the same use share: their folder's kind and their own name."""
    top, *rest = file.split("/")
    if top not in ("runs", "datasets", "tasks") or len(rest) < 2:
        return file if top != "cache" else f"cache/{'/'.join(rest[:-1])}/{Path(file).suffix}"
    if top == "tasks":
        top = rest[0].split("_")[1].split("-")[0]
    if rest[0].endswith("-live"):
        top += "-live"
    inside = "/".join(rest[1:])
    return f"{top}/{Path(inside).suffix}" if "/images/" in file else f"{top}/{inside}"


def _json_cases(path: Path, file: str) -> Iterator[Case]:
    for keys in _keys(json.loads(path.read_text())):
        for name, value in JSON_VALUES.items():
            yield Case(file, f"{'.'.join(map(str, keys))} = {name}", _with_value(keys, value))
        yield Case(file, f"{'.'.join(map(str, keys))} removed", _without(keys))


def _keys(data: Any, depth: int = 3) -> Iterator[tuple[Any, ...]]:
    """Yields the path to every value; of a list only to the first."""
    entries = data.items() if isinstance(data, dict) else enumerate(data[:1])
    for key, value in entries:
        yield (key,)
        if isinstance(value, dict | list) and depth:
            yield from ((key, *more) for more in _keys(value, depth - 1))


_MARK = "\ue000the value\ue000"


def _with_value(keys: tuple[Any, ...], value: str) -> Damage:
    def damage(path: Path) -> None:
        data = json.loads(path.read_text())
        _parent(data, keys)[keys[-1]] = _MARK
        path.write_text(json.dumps(data).replace(json.dumps(_MARK), value))

    return damage


def _without(keys: tuple[Any, ...]) -> Damage:
    def damage(path: Path) -> None:
        data = json.loads(path.read_text())
        del _parent(data, keys)[keys[-1]]
        path.write_text(json.dumps(data))

    return damage


def _parent(data: Any, keys: tuple[Any, ...]) -> Any:
    for key in keys[:-1]:
        data = data[key]
    return data


def _csv_cases(path: Path, file: str) -> Iterator[Case]:
    header = path.read_text().splitlines()[0].split(",")
    kinds = {re.sub("_.*", "", name): number for number, name in enumerate(header)}  # one of p_…
    for number in kinds.values():
        column = header[number]
        for name, value in CELLS.items():
            yield Case(file, f"{column} = {name}", _with_cell(number, value))
        yield Case(file, f"without {column}", _without_column(number))
        yield Case(file, f"only {column}", _only_column(number))
    yield Case(file, "a header only", lambda path: path.write_text(",".join(header) + "\n"))
    yield Case(file, "no header", lambda path: path.write_text("1,2,3\n4,5,6\n"))
    yield Case(file, "many columns", lambda path: path.write_text("a" + ",b" * 1_000_000))


def _rows(path: Path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text().splitlines()]


def _save(path: Path, rows: list[list[str]]) -> None:
    path.write_text("\n".join(map(",".join, rows)) + "\n", newline="")


def _with_cell(number: int, value: str) -> Damage:
    def damage(path: Path) -> None:
        rows = _rows(path)
        for row in rows[1:2]:
            row[number : number + 1] = [value]
        _save(path, rows)

    return damage


def _without_column(number: int) -> Damage:
    return lambda path: _save(path, [row[:number] + row[number + 1 :] for row in _rows(path)])


def _only_column(number: int) -> Damage:
    return lambda path: _save(path, [row[number : number + 1] for row in _rows(path)])


def damaged_copy(workspace: Path, case: Case, number: int) -> Path:
    """Does the damage in a new copy of its item, or in the workspace; returns the file."""
    file = workspace / case.file
    if case.item:
        item = workspace / case.item
        copy = item.with_name(_copy_name(item.name, number))
        shutil.copytree(item, copy, symlinks=True)
        file = copy / file.relative_to(item)
    case.damage(file)
    return file


def _copy_name(name: str, number: int) -> str:
    # Names of datasets are words; those of tasks and runs begin with a time.
    return f"{name}-{number:05}"
