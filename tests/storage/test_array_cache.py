"""The cache: arrays that are made once, whole, and removed when nobody uses them."""

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from fer_core.storage import array_cache as cache
from fer_core.storage import paths
from fer_core.storage.array_cache import open_array
from fer_core.storage.files import DiskFullError

ROWS = np.arange(12).reshape(4, 3)
DAY = 24 * 3600.0


@pytest.fixture
def path(workspace: Path) -> Path:
    return paths.cache_root() / "pixels" / "faces.npy"


def make(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, ROWS)


def opened(path: Path, make: Callable[[Path], None]) -> np.ndarray:
    return open_array(path, make, size=ROWS.nbytes, description="the faces")


def refuse(path: Path) -> None:
    raise AssertionError("It was there.")


def unused_for(path: Path, seconds: float, size: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (time.time() - seconds,) * 2)
    return path


def test_an_array_is_made_once_and_can_only_be_read(path: Path) -> None:
    opened(path, make)
    array = opened(path, refuse)
    assert np.array_equal(array, ROWS) and not array.flags.writeable


@pytest.mark.parametrize("bytes_kept", [0, 40, 150])
def test_a_damaged_array_is_made_again(path: Path, bytes_kept: int) -> None:
    opened(path, make)
    path.write_bytes(path.read_bytes()[:bytes_kept])
    assert np.array_equal(opened(path, make), ROWS)


def test_two_threads_opening_at_once_make_it_once(path: Path) -> None:
    made = []

    def make_slowly(temporary: Path) -> None:
        made.append(temporary)
        other.start()
        make(temporary)

    other = Thread(target=opened, args=(path, refuse))
    opened(path, make_slowly)
    other.join()
    assert len(made) == 1


def test_files_left_by_a_killed_process_are_removed(path: Path) -> None:
    left = unused_for(path.with_name(f".{path.stem}.1a2b3c4d.npy"), seconds=0)
    opened(path, make)
    assert not left.exists()


def test_a_failure_leaves_nothing_behind(path: Path) -> None:
    def fail(temporary: Path) -> None:
        make(temporary)
        raise KeyError("the end")

    with pytest.raises(KeyError):
        opened(path, fail)
    assert not list(path.parent.glob("*.npy"))


def test_unused_arrays_are_removed_and_unfinished_ones_sooner(path: Path) -> None:
    folder = path.parent
    old = unused_for(folder / "old.npy", cache.MAX_UNUSED_SECONDS + DAY)
    lately = unused_for(folder / "lately.npy", 2 * DAY)
    abandoned = unused_for(folder / ".other.1a2b3c4d.npy", 2 * DAY)
    being_made = unused_for(folder / ".third.1a2b3c4d.npy", 60)
    opened(path, make)
    assert not old.exists() and not abandoned.exists()
    assert lately.exists() and being_made.exists() and path.exists()


def test_arrays_behind_a_link_are_not_removed(path: Path, tmp_path: Path) -> None:
    mine = unused_for(tmp_path / "mine" / "results.npy", cache.MAX_UNUSED_SECONDS + DAY)
    paths.cache_root().mkdir(parents=True, exist_ok=True)
    (paths.cache_root() / "linked").symlink_to(mine.parent)
    opened(path, make)
    assert mine.exists()


def test_the_least_recently_used_array_is_removed_beyond_the_limit(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MAX_BYTES", 2000)
    first, second = (
        unused_for(path.with_name(f"{name}.npy"), seconds, size=900)
        for name, seconds in (("first", 200), ("second", 100))
    )
    opened(path, make)  # 224 bytes
    assert not first.exists() and second.exists() and path.exists()


def test_using_an_array_keeps_it(path: Path) -> None:
    opened(path, make)
    os.utime(path, (1, 1))
    opened(path, refuse)
    assert time.time() - path.stat().st_mtime < DAY


def test_a_disk_that_fills_up_leaves_nothing_behind(path: Path) -> None:
    def fill(temporary: Path) -> None:
        make(temporary)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DiskFullError, match="must have room for"):
        opened(path, fill)
    assert not list(path.parent.glob("*.npy"))


def test_nothing_is_made_without_enough_disk_space(path: Path) -> None:
    with pytest.raises(DiskFullError, match="must have .* GB free for the faces"):
        open_array(path, refuse, size=10**18, description="the faces")
    assert not list(path.parent.glob("*.npy"))
