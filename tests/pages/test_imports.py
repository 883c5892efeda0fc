"""Pages open quickly: they import no heavy library before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
HEAVY = {"aiortc", "av", "cleanlab", "keras", "skimage", "tensorflow"}
LIGHT_PAGES = ("home", "datasets", "train", "runs", "evaluate", "quiz")  # Predict may load more


def imports_of(file: Path) -> str:
    """Returns the import statements of a script, also those within its functions."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return "\n".join(
        ast.unparse(each) for each in nodes if isinstance(each, ast.Import | ast.ImportFrom)
    )


def test_no_page_imports_a_heavy_library() -> None:
    # As in the app: the first import of `pages` is aborted by a rerun, the next one succeeds.
    script = [
        "import contextlib, sys",
        "with contextlib.suppress(BaseException):\n    import pages",
    ]
    script.append(imports_of(PROJECT / "streamlit_app.py"))
    for page in LIGHT_PAGES:
        script += [imports_of(PROJECT / "pages" / f"{page}.py"), f"print({page!r}, *sys.modules)"]
    command = [sys.executable, "-c", "\n".join(script)]
    answer = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True)
    loaded = [
        {name.partition(".")[0] for name in line.split()} for line in answer.stdout.splitlines()
    ]
    assert len(loaded) == len(LIGHT_PAGES) and {"streamlit", "fer_core"} <= loaded[0]
    heavy = {page: found & HEAVY for page, found in zip(LIGHT_PAGES, loaded, strict=True)}
    assert not any(heavy.values()), heavy
