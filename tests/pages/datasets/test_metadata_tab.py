"""The tab that joins a table to the images of a dataset."""

import pytest

from fer_core.datasets.metadata import METADATA_FILE, read_metadata
from fer_core.datasets.synthetic.generate import draw_dataset
from tests.pages.conftest import PageOpener, press, rerun, text_of

pytestmark = pytest.mark.usefixtures("no_supervisor")


def test_a_table_is_previewed_kept_and_removed(open_page: PageOpener) -> None:
    dataset = draw_dataset("faces", count=70)
    paths = dataset.index["path"].tolist()
    lines = ["file,sex", *(f"{path},f" for path in paths), "missing.png,m", f"{paths[0]},f"]
    page = open_page("datasets", dataset="faces")
    (field,) = [each for each in page.file_uploader if each.label.startswith("Table")]
    field.upload("people.csv", "\n".join(lines).encode(), "text/csv")
    page = rerun(page)
    said = text_of(page)
    assert "70 of 70 images" in said and "missing.png" in said and "1 row repeats" in said
    assert not (dataset.directory / METADATA_FILE).exists()
    page = press(page, "Save with the dataset")
    metadata = read_metadata(dataset.directory)
    assert metadata is not None and metadata.columns == ("sex",)
    press(page, "Remove metadata")
    assert not (dataset.directory / METADATA_FILE).exists()
