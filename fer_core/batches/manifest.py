"""Makes the list of a batch's files: finds them, extracts archives, matches the table of clips."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from fer_core import access
from fer_core.batches.batch import Batch, BatchFile, Manifest
from fer_core.batches.clip_table import Matching, match_clips, read_clip_table
from fer_core.batches.columns import reserved_columns
from fer_core.batches.marks import make_marks, save_marks
from fer_core.batches.media import ARCHIVE_SUFFIX, Media, find_media, is_media
from fer_core.datasets.importing import (
    archive_errors,
    extract_archive,
    has_suffix,
    open_archive,
)
from fer_core.errors import FerError
from fer_core.storage import write_json
from fer_core.tasks import kinds
from fer_core.text import some
from fer_core.vision import IMAGE_SUFFIXES


def make_manifest(batch: Batch, class_names: Sequence[str]) -> Manifest:
    """Lists the files of a batch with their clips, and saves the list for later attempts."""
    settings = batch.settings
    batch.files.mkdir(exist_ok=True)
    problems: list[str] = []
    try:
        media = _find(batch, settings.patterns, problems)
    except FerError as error:
        raise FerError(" ".join([*problems, str(error)])) from error
    matching, columns = Matching({}, media.names, ()), tuple[str, ...]()
    if batch.table_file.exists():
        table = read_clip_table(batch.table_file.read_bytes(), reserved_columns(class_names))
        matching, columns = match_clips(table, media.names), table.columns
    names = [name for name in media.names if name in matching.clips or not settings.only_listed]
    markers = batch.markers_file.read_bytes() if batch.markers_file.exists() else None
    marks = make_marks(
        names, matching.clips, markers, baseline=settings.baseline, window=settings.window
    )
    if not names:
        raise FerError(" ".join(["No row of the table names a file.", *matching.problems[:3]]))
    manifest = Manifest(
        tuple(class_names),
        tuple(_batch_file(name, matching) for name in names),
        columns,
        (*problems, *matching.problems),
        media.notes,
    )
    save_marks(batch, marks)
    write_json(batch.directory / "manifest.json", asdict(manifest))
    return manifest


def _batch_file(name: str, matching: Matching) -> BatchFile:
    clip = matching.clips.get(name)
    if clip is None:
        return BatchFile(name)
    return BatchFile(name, clip.start, clip.end, dict(clip.columns), clip.line)


def path_of(batch: Batch, name: str) -> Path:
    """Returns the path of a file of a batch, by its name in the manifest.

    Raises:
        FerError: the folder of the batch must not be read.
    """
    source = _source_of(batch)
    is_extracted = any(part.lower().endswith(ARCHIVE_SUFFIX) for part in name.split("/")[:-1])
    if source is None or (is_extracted and (batch.uploads / name).exists()):
        return batch.uploads / name
    return source / name


def _source_of(batch: Batch) -> Path | None:
    source = batch.source
    if source is not None and not access.current().may_read(source):
        raise FerError("The folder of the batch must be one that FER Studio may read.")
    return source


def _find(batch: Batch, patterns: Sequence[str], problems: list[str]) -> Media:
    """Finds the files of a batch; extracts its archives, and adds what is wrong with some."""
    source = _source_of(batch)
    if source is None:
        archives = {
            path.relative_to(batch.archives): path
            for path in batch.archives.rglob("*")
            if path.is_file()
        }
        problems += _extract(batch, archives, keeps_archives=False)
        return find_media(batch.uploads, patterns)
    found = find_media(source, patterns)
    archives = {Path(name): source / name for name in found.archives}
    problems += _extract(batch, archives, keeps_archives=True)
    found += find_media(batch.uploads, patterns, required=False)
    if not found.names:
        raise FerError("The archives of the folder hold no photo or video that is asked for.")
    return found


def _extract(batch: Batch, archives: Mapping[Path, Path], *, keeps_archives: bool) -> list[str]:
    """Extracts archives into folders of their names; returns what is wrong with some.

    Leaves out those that an earlier, killed attempt extracted: their folders are whole.

    Args:
        archives: paths by name, relative to the batch's folder.
    """
    problems = []
    suffixes = IMAGE_SUFFIXES | set(kinds.VIDEO_SUFFIXES)
    for name, archive in sorted(archives.items()):
        target, partial = batch.uploads / name, batch.directory / ".extracting"
        try:
            problems += _nested_archives(name.as_posix(), archive)
            if target.is_dir():
                continue
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            extract_archive(archive, partial, lambda done, total, message: None, suffixes)
            if not any(is_media(path.name) for path in partial.rglob("*")):
                raise FerError("The archive must hold at least one photo or video. It has none.")
        except FerError as error:
            shutil.rmtree(partial, ignore_errors=True)
            problems.append(f"{name.as_posix()}: {error}")
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(target)
        if not keeps_archives:
            archive.unlink()
    return problems


def _nested_archives(name: str, archive: Path) -> list[str]:
    """Returns a sentence about the archives in an archive, which are not extracted, if any.

    Raises:
        FerError: it is none, or damaged.
    """
    with archive_errors(), archive.open("rb") as file:
        members = open_archive(file).members
    nested = [member.filename for member in members if has_suffix(member, {ARCHIVE_SUFFIX})]
    if not nested:
        return []
    return [f"{name}: Archives within it are not read. Extract them first: {some(nested)}."]
