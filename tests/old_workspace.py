"""Unpacks a workspace that an earlier version of the program wrote."""

import tarfile
from pathlib import Path

ARCHIVE = Path(__file__).parent / "data" / "workspace-ff6b6c0.tar.xz"


def unpack(folder: Path) -> Path:
    """Unpacks the workspace and returns its folder."""
    with tarfile.open(ARCHIVE) as archive:
        # The argument `filter` is younger than Python 3.11.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(folder)  # noqa: S202 (our own archive)
    return folder / "workspace"
