"""Reads onnxruntime-web, which computes models in browsers, from its npm package.

Nothing is downloaded here, and no package of Python has these files: `npm pack onnxruntime-web`
leaves a .tgz file in the current folder. It is looked for where ONNXRUNTIME_WEB tells, which may be
such a file or the package's folder; else in the workspace, as `npm pack` or `npm install` left it.
"""

import json
import os
import re
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from fer_core.errors import FerError
from fer_core.storage import paths

VARIABLE = "ONNXRUNTIME_WEB"
COMMAND = "npm pack onnxruntime-web@1.30.0"  # the version that was tested
SCRIPT = "ort.wasm.min.js"
_NAME = "onnxruntime-web"
_GLUE, _WASM = "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"
_MEMBERS = ("package.json", *(f"dist/{name}" for name in (SCRIPT, _GLUE, _WASM)))
_MAX_BYTES = 64 << 20  # of a file; the largest has 14 MB
_DAMAGE = (OSError, EOFError, tarfile.TarError, zlib.error)


@dataclass(frozen=True)
class BrowserRuntime:
    """Holds the files that a page needs to compute on one thread of the processor."""

    version: str
    script: bytes  # a classic one: it defines `ort`
    glue: bytes  # a module, which starts the next
    wasm: bytes


def find_package() -> Path | None:
    """Returns the npm package, a folder or a .tgz file; None if there is none."""
    named = os.environ.get(VARIABLE)
    if named:
        path = Path(named).expanduser()
        return path if path.exists() else None
    packed = sorted(paths.workspace().glob(f"{_NAME}-*.tgz"), key=_numbers)
    installed = paths.workspace() / "node_modules" / _NAME
    return packed[-1] if packed else installed if installed.is_dir() else None


def _numbers(package: Path) -> list[int]:
    """Returns the numbers of a version, so that 1.30 comes after 1.9."""
    return [int(digits) for digits in re.findall(r"\d+", package.name)]


def read_runtime(package: Path) -> BrowserRuntime:
    """Reads the files from the npm package, a folder or a .tgz file.

    Raises:
        FerError: it is damaged, or another package.
    """
    try:
        found = _of_folder(package) if package.is_dir() else _of_archive(package)
        about = json.loads(found.get("package.json", b"{}"))
    except (*_DAMAGE, ValueError) as error:
        raise FerError(f"{package.name} cannot be read as an npm package: {error}") from error
    missing = [name for name in _MEMBERS if name not in found]
    if missing or not isinstance(about, dict) or about.get("name") != _NAME:
        lacking = f" It lacks {', '.join(missing)}." if missing else ""
        raise FerError(f"{package.name} must be the npm package {_NAME}.{lacking}")
    return BrowserRuntime(str(about.get("version", "")), *(found[name] for name in _MEMBERS[1:]))


def _of_folder(package: Path) -> dict[str, bytes]:
    files = {name: package / name for name in _MEMBERS}
    return {
        name: file.read_bytes()
        for name, file in files.items()
        if file.is_file() and file.stat().st_size <= _MAX_BYTES
    }


def _of_archive(package: Path) -> dict[str, bytes]:
    found = {}
    with tarfile.open(package, "r|gz") as archive:
        for member in archive:
            name = member.name.removeprefix("package/")
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None and name in _MEMBERS and member.size <= _MAX_BYTES:
                found[name] = file.read()
            if len(found) == len(_MEMBERS):
                break
    return found
