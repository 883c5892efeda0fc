"""A batch on the Predict page, in a browser: from a folder and a table to the downloads."""

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from fer_core.runs.run import Run
from tests.batches.characters import brightness_run, write_clip
from tests.e2e.browsing import PATIENCE, download, no_exception, open_page, press, settled
from tests.e2e.serving import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def run(server: Server) -> Run:
    """A model that judges brightness."""
    return brightness_run()


@pytest.fixture
def study(tmp_path: Path) -> tuple[Path, Path]:
    """A folder with six clips of three people and a damaged one, and its table."""
    rows = ["file,participant,condition"]
    for number in range(6):
        name = f"{number}.mp4"
        happy = 10 if number % 2 else 4
        away = [""] * 15 * (number == 5)  # long enough to be a second track
        write_clip(tmp_path / "study" / name, number % 3, ["happy"] * happy + away + ["sad"] * 6)
        rows.append(f"{name},P{number // 2},{'loud' if number % 2 else 'calm'}")
    (tmp_path / "study" / "text.mp4").write_text("words")
    (tmp_path / "clips.csv").write_text("\n".join([*rows, "gone.mp4,P9,calm", ""]))
    return tmp_path / "study", tmp_path / "clips.csv"


def test_a_batch_from_the_folder_to_its_tables(
    page: "Page", address: str, run: Run, study: tuple[Path, Path]
) -> None:
    folder, table = study
    open_page(page, f"{address}/predict?run={run.id}")
    page.get_by_role("radio", name="Batch").click()
    path = page.get_by_role("textbox", name="Path of a folder")
    path.fill(str(folder))
    path.press("Enter")
    page.get_by_text("7 videos, 0 photos").wait_for()
    page.locator("input[type=file][accept*='.csv']").first.set_input_files(table)
    page.get_by_text("6 rows of 7 with a file; 1 file without a row").wait_for()
    smoothing = page.get_by_role("spinbutton", name="Smoothing (seconds)")
    smoothing.fill("0")
    smoothing.press("Enter")
    settled(page)
    start = page.get_by_role("button", name="Start batch", disabled=False)
    press(start, page.get_by_role("button", name="Stop batch"))
    page.get_by_text("7 of 7 files, 1 unreadable").wait_for(timeout=2000 * PATIENCE)
    page.locator("[class*=st-key-conditions] .scatterlayer .trace").nth(1).wait_for()
    settled(page)
    assert shares(page)["5.mp4"] == [1.0, 0.0]  # of each of her tracks
    merge(page, "5.mp4, track 1", "5.mp4, track 2")
    expected = {f"{number}.mp4": [0.625 if number % 2 else 0.4] for number in range(6)}
    assert shares(page) == expected
    with zipfile.ZipFile(download(page, "Download all tables")) as archive:
        assert {"frames.parquet", "data_dictionary.csv", "frames/0.mp4.csv"} <= set(
            archive.namelist()
        )
    press(page.get_by_text("Without results (2)"), page.get_by_text("text.mp4 cannot be read"))
    no_exception(page)


def shares(page: "Page") -> dict[str, list[float]]:
    """Downloads the summary; returns the shares of happy of each file's people."""
    summary = pd.read_csv(download(page, "Download summary (CSV)"))
    assert summary["condition"].tolist()[:2] == ["calm", "loud"]
    return summary.groupby("file")["share_happy"].agg(lambda each: each.round(3).tolist()).to_dict()


def merge(page: "Page", *tracks: str) -> None:
    """Selects tracks by their labels and says that they are one person."""
    press(page.get_by_text("People", exact=True), page.get_by_text(tracks[0]))
    for track in tracks:
        page.get_by_text(track).click()
        settled(page)
    name = page.get_by_role("textbox", name="Name", exact=True)
    name.fill("Eve")
    name.press("Enter")
    settled(page)
    press(page.get_by_role("button", name="Same person"), page.get_by_text("Eve · 5.mp4").first)
    settled(page)
