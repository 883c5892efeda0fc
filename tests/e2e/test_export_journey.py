"""From a model of the list to a file for another program, in a browser."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from fer_core.tasks import kinds
from fer_core.tasks.task import list_tasks
from tests.e2e.browsing import download, open_page, press, settled, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

# The checkbox of the first row in the table of runs, from the table's corner.
FIRST_ROW = {"x": 18, "y": 52}


def test_a_model_is_exported_compared_and_used_elsewhere(
    page: "Page", address: str, tmp_path: Path
) -> None:
    open_page(page, f"{address}/runs")
    page.get_by_test_id("stDataFrame").first.click(position=FIRST_ROW)
    page.get_by_text("1 run selected").wait_for()
    settled(page)
    export = page.get_by_role("button", name="Export", exact=True)
    press(page.get_by_text("Export to other programs"), export)
    press(export, page.get_by_role("button", name="Stop exporting"))
    # Keras has to be loaded for it, which takes long on a busy machine.
    page.get_by_text("Predicting with Keras").wait_for()
    wait_until(lambda: not list_tasks(kinds.EXPORT)[0].state.is_active, "the export")
    page.get_by_text("64 of 64 drawn faces get the model's label.").wait_for()
    file = download(page, "Download ONNX (.zip)", "residual-cnn-onnx.zip")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "predict.py"]
    done = subprocess.run(command, cwd=tmp_path / "onnx", check=True, capture_output=True)
    assert json.loads(done.stdout)["probabilities"].keys() >= {"happy", "sad"}
