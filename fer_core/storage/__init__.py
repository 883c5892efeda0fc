"""Files on disk: paths, atomic writes, CSV tables, memory-mapped arrays, caches."""

from fer_core.storage import array_cache, files, paths
from fer_core.storage.array_cache import open_array
from fer_core.storage.csv_tables import GrowingTable, append_row, read_table, save_table
from fer_core.storage.files import (
    DiskFullError,
    give_back,
    keep_newest,
    needing_room,
    patiently,
    read_json,
    replacing,
    reserve,
    to_disk,
    write_json,
    write_reserved,
    write_text,
)
from fer_core.storage.memo import Stamp, remembered, stamp
from fer_core.storage.npy import read_row, read_rows, row_shape, writing_array
from fer_core.storage.paths import workspace

__all__ = [
    "DiskFullError",
    "GrowingTable",
    "Stamp",
    "append_row",
    "array_cache",
    "files",
    "give_back",
    "keep_newest",
    "needing_room",
    "open_array",
    "paths",
    "patiently",
    "read_json",
    "read_row",
    "read_rows",
    "read_table",
    "remembered",
    "replacing",
    "reserve",
    "row_shape",
    "save_table",
    "stamp",
    "to_disk",
    "workspace",
    "write_json",
    "write_reserved",
    "write_text",
    "writing_array",
]
