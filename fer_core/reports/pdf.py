"""Prints a report as a PDF, with a browser or with WeasyPrint, whichever is installed."""

import os
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from fer_core.errors import FerError

NO_PRINTER = (
    "A PDF needs Chromium, Google Chrome or Microsoft Edge on the PATH of this machine, or "
    "`pip install weasyprint`. Without them, open the HTML file in any browser and print it."
)
_BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("microsoft-edge", "msedge"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
_SECONDS = 120.0  # that printing may take
_FLAGS = (
    *("--headless", "--disable-gpu", "--no-first-run", "--disable-extensions"),
    *("--disable-background-networking", "--disable-sync", "--no-pdf-header-footer"),
)


def has_printer() -> bool:
    """Tells whether `to_pdf` can work here."""
    return _browser() is not None or find_spec("weasyprint") is not None


def to_pdf(html: str) -> bytes:
    """Returns a report as a PDF.

    Args:
        html: as `render` returns it.

    Raises:
        FerError: nothing that prints is installed, or it fails.
    """
    if (browser := _browser()) is not None:
        return _printed(browser, html)
    if find_spec("weasyprint") is None:
        raise FerError(NO_PRINTER)
    from weasyprint import HTML

    return bytes(HTML(string=html).write_pdf())


def _browser() -> str | None:
    found = map(shutil.which, _BROWSERS)
    return next((path for path in found if path is not None), None)


def _printed(browser: str, html: str) -> bytes:
    # A sandbox needs another user than root.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="fer-report-", ignore_cleanup_errors=True) as folder:
        page, pdf = Path(folder, "report.html"), Path(folder, "report.pdf")
        page.write_text(html, encoding="utf-8")
        command = [
            browser,
            *_FLAGS,
            *(["--no-sandbox"] if is_root else []),
            f"--user-data-dir={folder}/profile",
            f"--print-to-pdf={pdf}",
            page.as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FerError(f"{browser} could not print the report: {error}") from error
        if not pdf.exists():
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise FerError(f"{browser} could not print the report. {' '.join(last)}".strip())
        return pdf.read_bytes()
