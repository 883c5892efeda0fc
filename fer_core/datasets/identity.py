"""What tells whether files and tables are still the same."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from fer_core.errors import FerError


def file_stats(root: Path, names: list[str]) -> dict[str, tuple[int, int]]:
    """Size in bytes and time of change in ns of every file.

    Raises:
        FerError: some are not there.
    """
    found, missing = {}, []
    for name in names:
        try:
            stat = (root / name).stat()
        except OSError:
            missing.append(name)
        else:
            found[name] = stat.st_size, stat.st_mtime_ns
    if missing:
        raise FerError(
            f"{len(missing):,} of {len(names):,} files have vanished from {root}, the first is "
            f"{missing[0]}. Put them back, or delete the data set and add it again."
        )
    return found


def digest_lines(lines: Iterable[str]) -> str:
    """A SHA-256 of the lines, in hexadecimal."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()
