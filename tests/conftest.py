"""Fixtures for all tests, and the tier of each folder."""

import contextlib
import gc
import inspect
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

# Before NumPy is loaded: a worker has one core, on which more threads of a small product only wait
# for each other, which takes half of the CPU time of scans and imports.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import psutil
import pytest
from hypothesis import settings

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.builder import build_dataset
from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.layouts import ImportPlan
from fer_core.datasets.layouts.layout import Report
from fer_core.datasets.names import check_name
from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic import generate
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs.recipes import RECIPES
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from fer_core.storage import paths
from fer_core.storage.reading import read_json
from fer_core.tasks import processes

TESTS = Path(__file__).parent
TIERS = {"processes": "slow", "e2e": "browser"}  # of whole folders; the others' tests are fast
LARGE_DATA = {"fer2013_dir", "fer2013_home", "vgg19_weights"}  # what slow tests ask for
# Begun first, in this order: with two workers, a long file that begins last is waited for.
LONGEST = (
    "pages/fuzz/test_damaged_files.py",
    "datasets/test_fer2013.py",
    "training/test_resuming.py",
    "model_io/test_export.py",
    "datasets/test_hostile_inputs.py",
    "processes/test_faults.py",
    "processes/test_training_processes.py",
    "inference/test_grad_cam.py",
    "processes/test_cli.py",
    "inference/test_hostile_videos.py",
    "storage/test_full_disk.py",
    "test_lint.py",
    "training/test_trainer.py",
    "pages/datasets/test_page.py",
    "pages/predict/test_page.py",
    "e2e/test_video_journey.py",
    "e2e/test_live_journey.py",
    "e2e/test_training_journey.py",
)
# The same inputs in every run, and no limit of time on a machine that is busy.
settings.register_profile("suite", derandomize=True, deadline=None, database=None, max_examples=60)
settings.load_profile("suite")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Spares each worker the import of files without a test of the tier, which takes 7 s."""
    tier = config.getoption("markexpr")
    if tier not in ("slow", "browser") or not collection_path.name.startswith("test_"):
        return None
    folder = TIERS.get(collection_path.relative_to(TESTS).parts[0])
    if folder or tier == "browser":
        return True if folder != tier else None
    source = collection_path.read_text(encoding="utf-8")
    return None if any(word in source for word in (f"mark.{tier}", *LARGE_DATA)) else True


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        tier = TIERS.get(item.path.relative_to(TESTS).parts[0])
        if tier:
            item.add_marker(tier)
        elif not LARGE_DATA.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    items.sort(key=_place_in_order)


def _place_in_order(item: pytest.Item) -> int:
    """Returns the place of a test's file among the longest ones; all others follow as they were."""
    name = item.path.relative_to(TESTS).as_posix()
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


def pytest_collection_finish() -> None:
    """Spares all that was imported the collections to come: Streamlit asks for one after every
    run of a page, which takes 0.4 s where TensorFlow is loaded."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty workspace, without the runs that ship; no supervisor outlives it."""
    home = tmp_path / "home"
    monkeypatch.setenv("FER_HOME", str(home))
    monkeypatch.setattr(paths, "pretrained_root", lambda: tmp_path / "pretrained")
    yield home
    end_supervisor()


@pytest.fixture(autouse=True)
def single_precision() -> Iterator[None]:
    """Ends the precision that a training in this process has set."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].config.set_dtype_policy("float32")


@pytest.fixture(autouse=True)
def not_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skips waiting for the disk: no file of a test has to outlive a power failure."""
    monkeypatch.setattr(os, "fsync", lambda file: None)


@pytest.fixture(scope="session")
def drawn_homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of workspaces with a dataset of drawn faces each."""
    return tmp_path_factory.mktemp("drawn")


@pytest.fixture(autouse=True)
def drawn_once(monkeypatch: pytest.MonkeyPatch, drawn_homes: Path) -> None:
    """Copies a dataset of drawn faces that an earlier test has drawn, which takes 0.3 s."""

    def build(name: str, read: Callable[[Path], ImportPlan], report: Report) -> Dataset:
        drawn = inspect.getclosurevars(read).nonlocals
        what = [str(drawn[name]) for name in ("count", "seed", "subjects")]
        home = drawn_homes / " ".join(what)
        if report.__module__ != generate.__name__:  # somebody watches
            return build_dataset(name, read, report)
        check_name(name)
        if not home.exists():
            with monkeypatch.context() as patched:
                patched.setenv("FER_HOME", str(home))
                build_dataset("drawn", read, report)
        shutil.copytree(home / "cache", paths.cache_root(), dirs_exist_ok=True)
        shutil.copytree(home / "datasets" / "drawn", paths.datasets_root() / name)
        return open_dataset(name)

    monkeypatch.setattr(generate, "build_dataset", build)


@pytest.fixture
def small_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trains a model of one layer whatever the architecture: see `in_process.small_model`."""
    from tests.training import in_process

    monkeypatch.setattr("fer_core.training.trainer.build_model", in_process.small_model)


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with 210 drawn faces and a run on them: a recipe, for an epoch, with the test
    split sealed."""
    from fer_core.training.trainer import run_training

    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FER_HOME", str(home))
        draw_dataset("faces", count=210)
        recipe = RECIPES["cnn_classic"].config
        config = replace(recipe, dataset="faces", epochs=1, test_at_end=False, average_views=True)
        run_training(create_run(replace(config, learning_rate=1e-3, learning_rate_decay=0.0)))
    return home


@pytest.fixture
def trained_run(trained_home: Path, workspace: Path) -> Run:
    """A copy of that run and its dataset, which a test may change."""
    shutil.copytree(trained_home, workspace, dirs_exist_ok=True)
    (directory,) = paths.runs_root().iterdir()
    return Run(directory)


def end_supervisor() -> None:
    """Kills this workspace's supervisor and waits until it and its children are gone."""
    if processes.is_alive(processes.supervisor_file()):
        _kill_supervisor()
    processes.reap()


def _kill_supervisor() -> None:
    record = read_json(processes.supervisor_file())
    with contextlib.suppress(psutil.NoSuchProcess):
        kill_with_children(psutil.Process(int(record["pid"])))


def supervisors() -> list[psutil.Process]:
    """All processes that supervise this workspace, or want to, as one that is just starting."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if (process.info["cmdline"] or [])[-2:] == ["-m", "fer_core.tasks.worker"]
        and (process.info["environ"] or {}).get("FER_HOME") == str(paths.workspace())
        and not _has_ended(process)
    ]


def kill_with_children(process: psutil.Process) -> None:
    """Kills a process and its descendants, and waits until they have ended."""
    family = [process, *process.children(recursive=True)]
    for each in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    deadline = time.monotonic() + 120
    while not all(map(_has_ended, family)) and time.monotonic() < deadline:
        time.sleep(0.02)


def _has_ended(process: psutil.Process) -> bool:
    """Returns whether a process has ended; its parent, a server, may not have noticed."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _data_folder(variable: str, what: str) -> Path:
    folder = os.environ.get(variable)
    if not folder:
        pytest.skip(f"needs {what}: set {variable}")
    return Path(folder)


@pytest.fixture(scope="session")
def fer2013_dir() -> Path:
    """The folder with FER2013 and the script fer2013.py that writes its usual layouts."""
    return _data_folder("FER2013_DIR", "the FER2013 data set")


@pytest.fixture(scope="session")
def fer2013_home(fer2013_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with all of FER2013 and FER+'s votes, added from their tables: "fer2013"."""
    folder = tmp_path_factory.mktemp("fer2013")
    for kind, name in (("csv", "fer2013.csv"), ("ferplus", "fer2013new.csv")):
        script = [sys.executable, str(fer2013_dir / "fer2013.py"), kind, str(folder / name)]
        subprocess.run(script, check=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FER_HOME", str(folder / "home"))
        import_source(folder / "fer2013.csv", "fer2013")
    (folder / "fer2013.csv").unlink()
    return folder / "home"


@pytest.fixture(scope="session")
def photos_dir() -> Path:
    """The folder with photos of people."""
    return _data_folder("FACE_PHOTOS_DIR", "photos of faces")


@pytest.fixture(scope="session")
def vgg19_weights() -> Path:
    """VGG19's ImageNet weights without top, as an .h5 file."""
    return _data_folder("VGG19_WEIGHTS", "VGG19's ImageNet weights")
