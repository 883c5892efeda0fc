"""Data sets whose files a person or a power cut has changed, and the pages that show them."""

import shutil
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
    "a-header-only": lambda index: index.write_text(HEADER),
    "garbage": lambda index: index.write_bytes(b"\0\xff\0 what\n,,,\n"),
    "other-columns": lambda index: index.write_text("a,b\n1,2\n"),
    "words-for-numbers": lambda index: index.write_text(f"{HEADER}a.png,x,sad,train,,x,x,1\n"),
    "a-split-of-its-own": lambda index: index.write_text(f"{HEADER}a.png,,sad,best,,1,1,1\n"),
    "cut-short": lambda index: index.write_bytes(index.read_bytes()[:-60]),
}


def test_a_damaged_index_breaks_no_page(open_page: PageOpener, finished_run: RunFactory) -> None:
    finished_run()
    draw_dataset("whole", count=70)
    (whole,) = list_datasets()
    for name, damage in DAMAGES.items():
        directory = shutil.copytree(whole.directory, whole.directory.with_name(name))
        damage(directory / "index.csv")
    for name in ("home", "runs", "evaluate", "predict"):  # list all of them
        open_page(name)
    for name in ("datasets", "train"):
        for damaged in DAMAGES:
            page = open_page(name, dataset=damaged)
            assert damaged in page.selectbox[0].options
