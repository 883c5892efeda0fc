"""The floors of the house, held by reading every import."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent

# A package imports only from floors below its own.
FLOORS = (
    {"errors", "expressions", "hardware", "text"},
    {"storage", "vision"},
    {"tasks"},
    {"datasets"},
    {"runs"},
    {"evaluation", "models"},
    {"training", "inference", "figures"},
    {"cli"},
    {"__main__"},
)
FRONT_DOORS = (
    "fer_core.storage",
    "fer_core.vision",
    "fer_core.tasks",
    "fer_core.datasets",
    "fer_core.datasets.importing",
    "fer_core.datasets.layouts",
    "fer_core.datasets.quality",
    "fer_core.datasets.synthetic",
    "fer_core.runs",
    "fer_core.evaluation",
    "fer_core.models",
    "fer_core.training",
    "fer_core.inference",
    "fer_core.figures",
)
MOST_FILES = 20  # in a folder
MOST_LINES = 45  # of a function's body


def modules() -> dict[str, Path]:
    """Returns the file of every module of the program, by its dotted name."""
    files = [PROJECT / "streamlit_app.py"]
    for folder in ("fer_core", "pages"):
        files += (PROJECT / folder).rglob("*.py")
    names = (path.relative_to(PROJECT).with_suffix("").as_posix() for path in files)
    return {
        name.removesuffix("/__init__").replace("/", "."): path
        for name, path in zip(names, files, strict=True)
    }


MODULES = modules()
CORE = sorted(name for name in MODULES if name.startswith("fer_core."))
APP = sorted(name for name in MODULES if not name.startswith("fer_core"))


def imports(name: str) -> Iterator[tuple[str, str]]:
    """Yields (module, name) of all that a module imports, wherever the import stands."""
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            for alias in node.names:
                yield str(node.module), alias.name


def package(module: str, name: str = "") -> str:
    """Returns what stands on a floor: the first word below fer_core."""
    parts = [*module.split("."), name]
    return parts[1] if parts[0] == "fer_core" else ""


def floor(room: str) -> int:
    """Returns the number of a package's floor, from 0 at the ground."""
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


@pytest.mark.parametrize("name", CORE)
def test_a_module_imports_only_from_floors_below(name: str) -> None:
    own = package(name)
    for module, imported in imports(name):
        other = package(module, imported)
        if other in ("", own, "__version__"):
            continue
        assert floor(other) < floor(own), f"{name} imports {module}.{imported}, not below it"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_other_packages_are_entered_by_the_front_door(name: str) -> None:
    for module, imported in imports(name):
        other = package(module, imported)
        if floor_of_one_file(other) or other == package(name) or name == "fer_core.__main__":
            continue
        door = f"{module}.{imported}" if module == "fer_core" else module
        assert door in FRONT_DOORS, f"{name} imports from {module}"


def floor_of_one_file(room: str) -> bool:
    """Tells whether there is no package of that name, but a file or nothing."""
    return f"fer_core.{room}" not in FRONT_DOORS and room != "cli"


@pytest.mark.parametrize("door", FRONT_DOORS)
def test_a_front_door_offers_what_it_names(door: str) -> None:
    package = importlib.import_module(door)
    assert package.__doc__
    assert package.__all__
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_no_front_door_loads_a_heavy_library() -> None:
    heavy = ("tensorflow", "keras", "sklearn", "scipy", "cleanlab", "streamlit")
    program = f"""
import importlib, sys
for door in {FRONT_DOORS}:
    importlib.import_module(door)
    for library in {heavy}:
        if library in sys.modules:
            sys.exit(f"{{door}} loads {{library}}")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", CORE)
def test_the_core_does_not_know_the_app(name: str) -> None:
    tops = {module.split(".")[0] for module, _ in imports(name)}
    assert not tops & {"streamlit", "pages", "streamlit_app"}


@pytest.mark.parametrize("name", APP)
def test_the_app_does_not_import_what_trains(name: str) -> None:
    assert "training" not in {package(*imported) for imported in imports(name)}


@pytest.mark.parametrize("name", APP)
def test_a_page_imports_its_own_components_and_the_shared_ones(name: str) -> None:
    parts = name.split(".")
    own = parts[-1] if len(parts) == 2 else parts[2] if len(parts) > 2 else "shared"
    for module, imported in imports(name):
        components = f"{module}.{imported}".split(".")
        if components[:2] == ["pages", "components"]:
            assert components[2] in (own, "shared"), f"{name} imports {module}.{imported}"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_function_stays_under_45_lines(name: str) -> None:
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.body[0].lineno < MOST_LINES, node.name


def test_no_folder_holds_too_many_files() -> None:
    folders = {path.parent for path in MODULES.values()}
    crowded = {folder for folder in folders if len(list(folder.glob("*.py"))) > MOST_FILES}
    assert not crowded
