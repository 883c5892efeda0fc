"""Opens .keras and .h5 files that anybody may have made: the only door for models and weights.

A run's directory may have been copied from anywhere, and initial weights are named by path. Nothing
in such a file is taken for what its name says; each part is examined before it is read, so that no
file takes much more memory than it takes on the disk.
"""

import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import IO

import h5py

from fer_core.errors import FerError
from fer_core.models.hdf5 import open_arrays
from fer_core.storage import DamagedFileError, open_regular

MAX_BYTES = 2**30  # of a file, and of its weights when unpacked; VGG19 with Adam's state has 240 MB

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_ANSWERS = "answers.json"  # ours; Keras reads past it
_MAX_CONFIG_BYTES = 2**22  # VGG19's has 25 kB, an ensemble of ten residual networks 600 kB
_MAX_ANSWERS_BYTES = 2**20  # of eight faces, each with a number for each class
_MAX_LIST_BYTES = 2**14  # of the list of members; Keras writes three
_MAX_RATIO = 8  # unpacked ÷ packed; weights reach 1.2, and zip bombs 1,000
_HARMLESS_BYTES = 2**22  # may be packed to any ratio

_ZIP, _HDF5 = b"PK\3\4", b"\x89HDF\r\n\x1a\n"
_ZIP_END, _ZIP_END_SIZE = b"PK\5\6", 22
_ZIP64_LOCATOR, _ZIP64_LOCATOR_SIZE = b"PK\6\7", 20
_ENCRYPTED = 0x41  # flags of a member


@dataclass(frozen=True)
class SavedModel:
    """Holds a .keras file as it is on the disk: nothing of it has been built."""

    config: bytes  # JSON
    arrays: Mapping[str, h5py.Dataset]  # by path; see `hdf5.open_arrays`
    answers: bytes = b""  # JSON; see `parity`. Files of earlier versions have none


@contextmanager
def open_saved_model(path: Path) -> Iterator[SavedModel]:
    """Opens a .keras file.

    Raises:
        DamagedFileError: it is missing, too large, damaged, or has what Keras never writes; or the
            body of the `with` statement raised a FerError or an error of a library.
    """
    with _opened(path, "a Keras model") as file, _member_list(file) as archive:
        config = _read_member(archive, _CONFIG, _MAX_CONFIG_BYTES)
        weights = _read_member(archive, _WEIGHTS, MAX_BYTES)
        has_answers = _ANSWERS in archive.namelist()
        answers = _read_member(archive, _ANSWERS, _MAX_ANSWERS_BYTES) if has_answers else b""
        with open_arrays(BytesIO(weights), len(weights)) as arrays:
            yield SavedModel(config, arrays, answers)


def add_answers(path: Path, answers: bytes) -> None:
    """Adds answers to a .keras file that has none; see `parity.encode_answers`."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo(_ANSWERS), answers)  # without the time: equal files


@contextmanager
def open_weights(path: Path) -> Iterator[Mapping[str, h5py.Dataset]]:
    """Opens an .h5 file and yields its arrays; see `hdf5.open_arrays`.

    Raises:
        DamagedFileError: as for `open_saved_model`.
    """
    with _opened(path, "weights") as file:
        _check_start(file, _HDF5, "an HDF5 file")
        with open_arrays(file, os.fstat(file.fileno()).st_size) as arrays:
            yield arrays


@contextmanager
def _opened(path: Path, what: str) -> Iterator[IO[bytes]]:
    try:
        with open_regular(path, max_bytes=MAX_BYTES) as file:
            yield file
    except (DamagedFileError, MemoryError):
        raise
    except FerError as error:
        raise DamagedFileError(path, f"must hold {what}. {error}") from error
    # Damage raises errors of zipfile, zlib, struct, h5py, NumPy, Keras and TensorFlow.
    except Exception as error:
        raise DamagedFileError(path, f"must hold {what}. It is missing or damaged") from error


@contextmanager
def _member_list(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """Opens an archive whose list of members is short; `zipfile` would read any."""
    _check_start(file, _ZIP, "a .keras file")
    end = file.seek(0, SEEK_END)
    file.seek(max(0, end - _ZIP_END_SIZE - _ZIP64_LOCATOR_SIZE))
    tail = file.read()
    record = tail[-_ZIP_END_SIZE:]
    is_plain = record.startswith(_ZIP_END) and not tail.startswith(_ZIP64_LOCATOR)
    if not is_plain or int.from_bytes(record[12:16], "little") > _MAX_LIST_BYTES:
        raise FerError(
            "It does not end as Keras ends such a file. It is damaged, or only a part of it was "
            "downloaded or copied. Get the file again."
        )
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        yield archive


def read_members(file: IO[bytes], names: Mapping[str, int]) -> dict[str, bytes]:
    """Reads members of an archive by name; those it lacks are left out.

    Args:
        names: with the most bytes that each may have when unpacked.

    Raises:
        FerError: as for `open_saved_model`.
        Exception: it is damaged.
    """
    with _member_list(file) as archive:
        present = set(archive.namelist())
        return {
            name: _read_member(archive, name, most)
            for name, most in names.items()
            if name in present
        }


def _check_start(file: IO[bytes], expected: bytes, what: str) -> None:
    start = file.read(len(expected))
    file.seek(0)
    if start != expected:
        raise FerError(f"It must begin as {what} does. Received: {start!r}")


def _read_member(archive: zipfile.ZipFile, name: str, max_bytes: int) -> bytes:
    members = [member for member in archive.infolist() if member.filename == name]
    if len(members) != 1:
        raise FerError(f"It must have one {name}. Received: {len(members)}")
    (member,) = members
    if member.flag_bits & _ENCRYPTED:
        raise FerError(f"{name} must not be encrypted.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FerError(f"{name} must be stored or deflated. Received: {member.compress_type}")
    allowed = min(max_bytes, max(_HARMLESS_BYTES, _MAX_RATIO * member.compress_size))
    if member.file_size > allowed:
        raise FerError(
            f"{name} must have at most {allowed:,} bytes when unpacked. "
            f"Received: {member.file_size:,}"
        )
    with archive.open(member) as packed:
        # At most what was declared, although `zipfile` checks that too.
        return packed.read(member.file_size)
