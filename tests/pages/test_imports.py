"""Pages open quickly: they import no heavy library before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
HEAVY = {"aiortc", "av", "cleanlab", "keras", "skimage", "tensorflow"}
LIGHT_PAGES = ("home", "datasets", "train", "runs", "evaluate", "quiz")  # Predict may load more


def imports_of(file: Path) -> str:
    """Returns the import statements of a script, also those within its functions."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return "\n".join(
        ast.unparse(each) for each in nodes if isinstance(each, ast.Import | ast.ImportFrom)
    )


def loaded_by(script: str) -> set[str]:
    """Returns the top-level packages that a fresh interpreter has loaded after the script."""
    command = [sys.executable, "-c", f"{script}\nimport sys; print(*sys.modules)"]
    answer = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True)
    return {name.partition(".")[0] for name in answer.stdout.split()}


@pytest.mark.parametrize("page", LIGHT_PAGES)
def test_a_page_imports_no_heavy_library(page: str) -> None:
    app, script = PROJECT / "streamlit_app.py", PROJECT / "pages" / f"{page}.py"
    # As in the app: the first import of `pages` is aborted by a rerun, the next one succeeds.
    start = "import contextlib\nwith contextlib.suppress(BaseException):\n    import pages"
    loaded = loaded_by("\n".join([start, imports_of(app), imports_of(script)]))
    assert "streamlit" in loaded and "fer_core" in loaded
    assert not loaded & HEAVY
