"""The report on a run: everything in one file, for every state of a run, and no text as markup."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from fer_core.__main__ import main
from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.errors import FerError
from fer_core.reports import pdf
from fer_core.reports.run_report import report_on, run_html
from fer_core.runs.config import TrainConfig
from fer_core.runs.records import Notes
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from fer_core.storage import write_json

ATTACK = '<script>alert("1")</script>'


class Reader(HTMLParser):
    """Collects the elements and the text of a page, and checks that it is well nested."""

    VOID = {"meta", "img", "br"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_the_report_tells_data_scores_settings_and_how_to_reproduce_them(trained_run: Run):
    html = run_html(trained_run)
    page = Reader(html)
    accuracy = trained_run.predictions("val")
    assert accuracy is not None
    for piece in (
        f"{len(accuracy):,}",
        trained_run.fingerprint,
        "python -m fer_core train --dataset faces",
        "Learning rate",
        "The test split is sealed",
        "slices by brightness",
        "does not tell whom an image shows",
    ):
        assert piece in page.text
    # It loads nothing, and runs nothing.
    assert not page.named("script") and not page.named("link") and not page.named("img")
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", html)
    assert len(html) < 300_000


def test_every_chart_and_table_is_told_to_who_does_not_see_it(trained_run: Run):
    page = Reader(run_html(trained_run, faces=True))
    charts, tables = page.named("svg"), page.named("table")
    assert len(charts) >= 5
    assert all(chart["role"] == "img" and len(chart["aria-label"] or "") > 20 for chart in charts)
    assert len(page.named("caption")) == len(tables) >= len(charts)
    assert page.named("img") and all(image["alt"] for image in page.named("img"))
    assert all(image["src"].startswith("data:image/jpeg") for image in page.named("img"))
    headings = [int(name[1]) for name, _ in page.elements if re.fullmatch(r"h\d", name)]
    assert headings[0] == 1 and set(headings[1:]) == {2}


def test_no_text_of_a_person_becomes_markup(trained_run: Run):
    trained_run.save_notes(Notes(name=ATTACK, note=f"</style>{ATTACK}"))
    for file in ("dataset.json", "predictions/val.csv"):
        path = trained_run.directory / file
        text = path.read_text().replace("happy", "<img src=x onerror=alert(1)>")
        path.write_text(text)
    page = Reader(run_html(trained_run))
    assert not page.named("script") and not page.named("img")
    assert ATTACK in page.text and "<img src=x" in page.text


def test_subjects_in_two_splits_and_leaked_images_are_named(trained_run: Run):
    path = trained_run.predictions_file("val")
    table = pd.read_csv(path)
    table["leaked"], table["seen_subject"] = table.index < 3, table.index < 5
    table.to_csv(path, index=False)
    said = " ".join(report_on(trained_run).sections[0].parts[0].sentences)
    assert f"3 images of {len(table)} are also in the training split" in said
    assert "Without the 5 images of subjects" in said


def test_a_run_that_has_not_begun_and_one_without_its_dataset_have_a_report(trained_run: Run):
    open_dataset("faces").delete()
    said = Reader(run_html(trained_run, faces=True)).text
    assert "could not be read" in said and "Macro F1" in said
    draw_dataset("later", count=70)
    queued = create_run(replace(TrainConfig(), recipe="gone", dataset="later"))
    assert "There are no predictions yet" in Reader(run_html(queued)).text


def test_a_damaged_run_is_refused_and_damaged_predictions_are_named(trained_run: Run):
    trained_run.predictions_file("val").write_text("p_happy\nmany\n")
    assert "damaged" in Reader(run_html(trained_run)).text
    write_json(trained_run.directory / "config.json", {"unknown": 1})
    with pytest.raises(FerError, match="config.json"):
        run_html(trained_run)


def test_the_command_writes_a_file_and_says_what_a_pdf_needs(
    trained_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    target = tmp_path / "report.html"
    assert main(["report", trained_run.id[:8], "--out", str(target)]) == 0
    Reader(target.read_text())
    monkeypatch.setattr(pdf, "_BROWSERS", ("no-such-browser",))
    monkeypatch.setattr(pdf, "find_spec", lambda name: None)
    assert main(["report", trained_run.id, "--pdf", "--out", str(tmp_path / "no.pdf")]) == 1
    assert "weasyprint" in capsys.readouterr().err
    assert not (tmp_path / "no.pdf").exists()


@pytest.mark.slow
@pytest.mark.skipif(not pdf.has_printer(), reason="needs Chromium or WeasyPrint")
def test_a_report_prints_as_a_pdf(trained_run: Run):
    content = pdf.to_pdf(run_html(trained_run))
    assert content.startswith(b"%PDF") and len(content) > 20_000
