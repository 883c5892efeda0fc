"""Reads and writes files: paths, atomic writes, CSV tables, memory-mapped arrays, caches."""

from fer_core.storage import array_cache, files, paths
from fer_core.storage.array_cache import open_array
from fer_core.storage.csv_tables import CsvTail, append_row, read_table, save_table
from fer_core.storage.files import (
    DiskFullError,
    disk_full_as_error,
    file_size,
    fsync_file,
    read_json,
    read_tail,
    release_reserved,
    replacing,
    reserve,
    retry_while_locked,
    truncate_log,
    write_json,
    write_reserved,
    write_text,
)
from fer_core.storage.memo import Stamp, cached_by_mtime, stamp
from fer_core.storage.npy import read_row, read_rows, row_shape, writing_array
from fer_core.storage.paths import workspace
from fer_core.storage.usage import workspace_bytes

__all__ = [
    "DiskFullError",
    "CsvTail",
    "Stamp",
    "append_row",
    "array_cache",
    "files",
    "release_reserved",
    "truncate_log",
    "disk_full_as_error",
    "file_size",
    "open_array",
    "paths",
    "retry_while_locked",
    "read_json",
    "read_row",
    "read_rows",
    "read_table",
    "read_tail",
    "cached_by_mtime",
    "replacing",
    "reserve",
    "row_shape",
    "save_table",
    "stamp",
    "fsync_file",
    "workspace",
    "workspace_bytes",
    "write_json",
    "write_reserved",
    "write_text",
    "writing_array",
]
