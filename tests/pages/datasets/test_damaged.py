"""Data sets whose files a person or a power cut has changed, and the pages that show them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fer_core.datasets.registry import list_datasets
from fer_core.datasets.synthetic.generate import draw_dataset
from tests.pages.conftest import PageOpener, RunFactory

pytestmark = pytest.mark.usefixtures("no_supervisor")

HEADER = "path,row,expression,split,source_split,size,modified,content\n"
DAMAGES: dict[str, Callable[[Path], object]] = {
    "gone": Path.unlink,
    "empty": lambda index: index.write_text(""),
    "a header only": lambda index: index.write_text(HEADER),
    "garbage": lambda index: index.write_bytes(b"\0\xff\0 what\n,,,\n"),
    "other columns": lambda index: index.write_text("a,b\n1,2\n"),
    "words for numbers": lambda index: index.write_text(f"{HEADER}a.png,x,sad,train,,x,x,1\n"),
    "a split of its own": lambda index: index.write_text(f"{HEADER}a.png,,sad,best,,1,1,1\n"),
    "cut short": lambda index: index.write_bytes(index.read_bytes()[:-60]),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_index_breaks_no_page(
    open_page: PageOpener, finished_run: RunFactory, damage: Callable[[Path], object]
) -> None:
    finished_run()
    draw_dataset("faces", count=70)
    damage(list_datasets()[0].directory / "index.csv")
    for name in ("home", "datasets", "train", "runs", "evaluate", "predict"):
        page = open_page(name, dataset="faces")
        assert not page.exception
