"""Files that are made when a download button is pressed."""

from types import SimpleNamespace

import pytest
from streamlit import runtime
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from pages.components.shared import downloads


@pytest.mark.parametrize("is_held", [True, False])
def test_a_file_outlasts_the_redrawing_of_pages_only_while_it_is_held(
    monkeypatch: pytest.MonkeyPatch, is_held: bool
) -> None:
    files = MediaFileManager(MemoryMediaFileStorage("/media"))
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", lambda: SimpleNamespace(media_file_mgr=files))
    timers: list[SimpleNamespace] = []

    def timer(seconds: float, act: object, arguments: list[bytes]) -> SimpleNamespace:
        timers.append(SimpleNamespace(start=lambda: None, act=act, arguments=arguments))
        return timers[-1]

    monkeypatch.setattr(downloads.threading, "Timer", timer)
    button = files.add_deferred(
        lambda: downloads.held("a,b\n", "x.csv", "text/csv"), "text/csv", "place", "x.csv"
    )
    address = files.execute_deferred(button)
    if not is_held:
        timers[0].act(*timers[0].arguments)
    for _ in range(5):  # runs of pages and fragments end
        files.remove_orphaned_files()
    found = files.read_file(address.rpartition("/")[2].partition(".")[0])
    assert (found is not None and found.content == b"a,b\n") == is_held
