"""The rules of imports between packages, and of sizes, checked by reading the source."""

import ast
import functools
import importlib
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent

# A package imports only from floors below its own.
FLOORS = (
    {"errors", "expressions", "hardware", "onnx_graphs", "process_limits", "text"},
    {"access", "storage", "vision"},
    {"tasks"},
    {"datasets"},
    {"runs"},
    {"evaluation", "markers", "models"},
    {"model_io", "ensembles", "experiments"},
    {"training", "inference", "figures"},
    {"batches", "reports", "service"},
    {"api", "cli", "release"},
    {"__main__"},
)
FRONT_DOORS = (
    "fer_core",
    "fer_core.storage",
    "fer_core.vision",
    "fer_core.tasks",
    "fer_core.datasets",
    "fer_core.datasets.importing",
    "fer_core.datasets.layouts",
    "fer_core.datasets.metadata",
    "fer_core.datasets.quality",
    "fer_core.datasets.raters",
    "fer_core.datasets.synthetic",
    "fer_core.runs",
    "fer_core.evaluation",
    "fer_core.evaluation.slices",
    "fer_core.markers",
    "fer_core.models",
    "fer_core.models.foreign",
    "fer_core.model_io",
    "fer_core.ensembles",
    "fer_core.experiments",
    "fer_core.model_io.importing",
    "fer_core.training",
    "fer_core.inference",
    "fer_core.figures",
    "fer_core.batches",
    "fer_core.service",
    "fer_core.release",
    "fer_core.reports",
)
HEAVY = (
    "tensorflow",
    "keras",
    "sklearn",
    "scipy",
    "cleanlab",
    "streamlit",
)  # nothing that a front door loads
# First words of docstrings that end as verbs in the third person do.
NO_VERBS = {"Arguments", "Bytes", "Folders", "Its", "Pixels", "Predictions", "Sentences"}
NO_VERBS |= {"Settings", "This", "Various"}
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


@functools.cache
def source(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


@functools.cache
def imports(name: str) -> list[tuple[str, str]]:
    """Returns (module, name) of all that a module imports, wherever the import stands."""
    found = []
    for node in ast.walk(source(name)):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found += [(module, alias.name) for alias in node.names]
    return found


def package(module: str, name: str = "") -> str:
    """Returns what stands on a floor: the first word below fer_core."""
    parts = [*module.split("."), name]
    return parts[1] if parts[0] == "fer_core" else ""


def floor(room: str) -> int:
    """Returns the number of a package's floor, from 0 at the ground."""
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def test_imports_are_absolute() -> None:
    relative = [
        f"{name} imports {module}"
        for name in MODULES
        for module, _ in imports(name)
        if module.startswith(".")
    ]
    assert not relative


def test_a_module_imports_only_from_floors_below() -> None:
    offenders = [
        f"{name} imports {module}.{imported}"
        for name in CORE
        for module, imported in imports(name)
        if (other := package(module, imported)) not in ("", package(name), "__version__")
        and floor(other) >= floor(package(name))
    ]
    assert not offenders


def test_other_packages_are_entered_by_the_front_door() -> None:
    offenders = []
    for name in sorted(MODULES.keys() - {"fer_core.__main__"}):
        for module, imported in imports(name):
            other = package(module, imported)
            door = f"{module}.{imported}" if module == "fer_core" else module
            inside = floor_of_one_file(other) or other == package(name)
            if not inside and door not in FRONT_DOORS:
                offenders.append(f"{name} imports from {module}")
    assert not offenders


def floor_of_one_file(room: str) -> bool:
    """Tells whether there is no package of that name, but a file or nothing."""
    return f"fer_core.{room}" not in FRONT_DOORS and room != "cli"


def test_a_front_door_offers_what_it_names() -> None:
    offenders = []
    for door in FRONT_DOORS:
        package = importlib.import_module(door)
        names = package.__all__
        offenders += [f"{door}.{name}" for name in names if getattr(package, name, None) is None]
        if not (package.__doc__ and names):
            offenders.append(f"{door} has no docstring or an empty __all__")
    assert not offenders


def test_no_front_door_loads_a_heavy_library() -> None:
    program = f"""
import importlib, sys
for door in {FRONT_DOORS}:
    before = set(sys.modules)
    importlib.import_module(door)
    for name in {HEAVY}:
        if name in sys.modules and name not in before:
            print(door, "loads", name)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, check=False, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == []


def test_the_core_does_not_import_the_app() -> None:
    offenders = [
        f"{name} imports {module}"
        for name in CORE
        for module, _ in imports(name)
        if module.split(".")[0] in {"streamlit", "pages", "streamlit_app"}
    ]
    assert not offenders


def test_the_app_does_not_import_training() -> None:
    offenders = [
        f"{name} imports {module}.{imported}"
        for name in APP
        for module, imported in imports(name)
        if package(module, imported) == "training"
    ]
    assert not offenders


def test_a_page_imports_its_own_components_and_the_shared_ones() -> None:
    offenders = []
    for name in APP:
        parts = name.split(".")
        own = parts[-1] if len(parts) == 2 else parts[2] if len(parts) > 2 else "shared"
        for module, imported in imports(name):
            components = f"{module}.{imported}".split(".")
            if components[:2] == ["pages", "components"] and components[2] not in (own, "shared"):
                offenders.append(f"{name} imports {module}.{imported}")
    assert not offenders


def test_a_function_stays_under_45_lines() -> None:
    offenders = [
        f"{name}.{node.name}"
        for name in sorted(MODULES)
        for node in ast.walk(source(name))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.body[0].lineno >= MOST_LINES
    ]
    assert not offenders


def test_no_folder_holds_too_many_files() -> None:
    folders = {path.parent for path in MODULES.values()}
    crowded = {folder for folder in folders if len(list(folder.glob("*.py"))) > MOST_FILES}
    assert not crowded


def test_docstrings_of_classes_and_functions_begin_with_a_verb() -> None:
    offenders = []
    for name in MODULES:
        for node in ast.walk(source(name)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                first = (ast.get_docstring(node) or "Returns").split()[0].rstrip(",.;:")
                if not first.endswith("s") or first in NO_VERBS:
                    offenders.append(f"{name}.{node.name}: {first}")
    assert not offenders
