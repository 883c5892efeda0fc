"""The floors of the house, held by reading every import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent

# The map of the house: a module imports only from floors below its own. A folder is one module
# here; within it, siblings may import each other.
FLOORS = [
    [
        "fer_core",
        "fer_core.paths",
        "fer_core.expressions",
        "fer_core.config",
        "fer_core.settings",
        "fer_core.images",
        "fer_core.files",
        "fer_core.machine",
        "fer_core.growing",
        "fer_core.thinning",
        "fer_core.video_table",
        "fer_core.sureness",
        "fer_core.tensorboard",
        "fer_core.srtp",
    ],
    [
        "fer_core.recipes",
        "fer_core.appearance",
        "fer_core.drawing",
        "fer_core.pyramid",
        "fer_core.evaluation",
        "fer_core.film",
        "fer_core.figures",
        "fer_core.processes",
        "fer_core.records",
        "fer_core.preferences",
        "fer_core.cache",
        "fer_core.tracking",
    ],
    [
        "fer_core.endings",
        "fer_core.face_log",
        "fer_core.recent_figure",
        "fer_core.calibration",
        "fer_core.class_scores",
        "fer_core.confusion_figure",
        "fer_core.evaluation_figures",
        "fer_core.timeline_figure",
    ],
    [
        "fer_core.tasks",
        "fer_core.live",
        "fer_core.significance",
        "fer_core.comparison_figures",
        "fer_core.answers",
        "fer_core.doubt",
        "fer_core.quiz",
    ],
    [
        "fer_core.queue",
        "fer_core.evaluated",
        "fer_core.cascade",
        "fer_core.layers",
        "fer_core.prepared",
        "fer_core.optimization",
        "fer_core.targets",
    ],
    [
        "fer_core.detection",
        "fer_core.backend",
        "fer_core.models",
        "fer_core.augmentation",
        "fer_core.runs",
        "fer_core.datasets",
    ],
    ["fer_core.corrections", "fer_core.views"],
    [
        "fer_core.batches",
        "fer_core.checkpoints",
        "fer_core.comparison",
        "fer_core.credentials",
        "fer_core.elsewhere",
        "fer_core.explanation",
        "fer_core.export",
        "fer_core.following",
        "fer_core.familiarity",
        "fer_core.model_card",
        "fer_core.photos",
        "fer_core.recognition",
        "fer_core.reporting",
        "fer_core.submission",
        "fer_core.videos",
        "fer_core.watching",
    ],
    [
        "fer_core.cross_evaluation",
        "fer_core.environment",
        "fer_core.examining",
        "fer_core.face_map",
        "fer_core.features",
        "fer_core.recognized",
        "fer_core.sealed_test",
        "fer_core.upkeep",
        "fer_core.video",
        "fer_core.looking",
    ],
    [
        "fer_core.distillation",
        "fer_core.finishing",
        "fer_core.map_figure",
        "fer_core.mapping",
        "fer_core.shipping",
    ],
    ["fer_core.training", "fer_core.supervisor"],
    ["fer_core.worker", "fer_core.terminal"],
    ["fer_core.__main__"],
    ["pages.components"],
    ["pages"],
    ["streamlit_app"],
]
NOT_FOR_THE_APP = {
    "cascade",
    "video",
    "cross_evaluation",
    "distillation",
    "finishing",
    "shipping",
    "views",
    "optimization",
    "targets",
    "worker",
    "terminal",
    "supervisor",
    "upkeep",
    "backend",
    "training",
    "batches",
    "checkpoints",
    "environment",
    "examining",
    "features",
    "mapping",
    "reporting",
    "sealed_test",
}
LOADS_TENSORFLOW = {
    "backend",
    "cascade",
    "detection",
    "layers",
    "looking",
    "models",
    "optimization",
    "prepared",
    "batches",
    "checkpoints",
    "cross_evaluation",
    "distillation",
    "environment",
    "explanation",
    "export",
    "features",
    "finishing",
    "following",
    "mapping",
    "recognition",
    "recognized",
    "sealed_test",
    "shipping",
    "training",
    "video",
    "views",
}
CEILINGS = {"pages/components": 150, "pages": 150, "fer_core": 300, "streamlit_app.py": 40}


def modules() -> dict[str, Path]:
    """Every module of the program by its dotted name."""
    files = [PROJECT / "streamlit_app.py"]
    for folder in ("fer_core", "pages"):
        files += (PROJECT / folder).rglob("*.py")
    names = (path.relative_to(PROJECT).with_suffix("").as_posix() for path in files)
    return {
        name.removesuffix("/__init__").replace("/", "."): path
        for name, path in zip(names, files, strict=True)
    }


def imports(path: Path) -> set[str]:
    """Dotted names of all that a file imports, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
            found.add(node.module or "")
    return found


def room(name: str) -> str | None:
    """The entry of FLOORS that a dotted name belongs to; the longest that fits."""
    parts = name.split(".")
    rooms = {entry for floor in FLOORS for entry in floor}
    for length in range(len(parts), 0, -1):
        candidate = ".".join(parts[:length])
        if candidate in rooms:
            return candidate
    return None


def floor(name: str) -> int:
    """The number of the floor that a room is on."""
    return next(number for number, entries in enumerate(FLOORS) if name in entries)


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_imports_only_from_floors_below(name: str) -> None:
    own = room(name)
    assert own is not None and (own != "fer_core" or name == "fer_core"), f"{name} is on no floor"
    for imported in imports(modules()[name]):
        other = room(imported)
        if other in (None, own, "fer_core"):
            continue
        assert floor(other) < floor(own), f"{name} imports {imported}, which is not below it"


@pytest.mark.parametrize("name", sorted(name for name in modules() if name.startswith("fer_core")))
def test_the_core_does_not_know_the_app(name: str) -> None:
    tops = {imported.split(".")[0] for imported in imports(modules()[name])}
    assert not tops & {"streamlit", "pages", "streamlit_app"}


@pytest.mark.parametrize("name", sorted(name for name in modules() if not name.startswith("fer_")))
def test_the_app_does_not_import_what_trains(name: str) -> None:
    forbidden = {f"fer_core.{room}" for room in NOT_FOR_THE_APP}
    assert not imports(modules()[name]) & forbidden
    assert "keras" not in {imported.split(".")[0] for imported in imports(modules()[name])}


def test_light_modules_do_not_load_tensorflow() -> None:
    light = [
        name
        for name in modules()
        if name.startswith("fer_core")
        and name.split(".")[-1] not in LOADS_TENSORFLOW | {"__main__"}
    ]
    program = f"import sys, {', '.join(sorted(light))}; sys.exit('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_file_stays_under_its_ceiling(name: str) -> None:
    path = modules()[name].relative_to(PROJECT).as_posix()
    ceiling = next(lines for prefix, lines in CEILINGS.items() if path.startswith(prefix))
    assert len(modules()[name].read_text(encoding="utf-8").splitlines()) <= ceiling


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_function_stays_under_45_lines(name: str) -> None:
    for node in ast.walk(ast.parse(modules()[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.body[0].lineno < 45, node.name
