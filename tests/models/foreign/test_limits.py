"""Files that take too much are refused in a process of their own, whatever holds them."""

import resource
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from onnx import helper

from fer_core.errors import FerError
from fer_core.model_io.importing import inspect_model
from fer_core.models import load_for_prediction
from fer_core.storage import DamagedFileError
from tests.models.foreign.onnx_files import GREEDY, HOSTILE

pytestmark = pytest.mark.slow
MOST = 50_000_000  # bytes by which this process may grow


def resident() -> int:
    return int(psutil.Process().memory_info().rss)


@pytest.mark.parametrize("name", ["constant of 40 GB", "constant of 2 GB", "doubling"])
def test_a_greedy_file_is_refused_and_takes_nothing_here(tmp_path: Path, name: str) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(GREEDY[name]().SerializeToString())
    before = resident()
    with pytest.raises(FerError):
        inspect_model(file)
    assert resident() - before < MOST


def _greedy_run() -> bytes:
    """Returns a greedy model that names its ends as those of a run are named."""
    model = GREEDY["constant of 2 GB"]()
    turned = helper.make_node("Transpose", ["pixels"], ["image"], perm=[0, 3, 1, 2])
    named = helper.make_node("Identity", ["out"], ["probabilities"])
    model.graph.node.insert(0, turned)
    model.graph.node.append(named)
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("pixels", 1, ["N", 24, 24, 1]))
    model.graph.output[0].name = "probabilities"
    return model.SerializeToString()


@pytest.mark.parametrize("content", [_greedy_run, HOSTILE["loop"]], ids=["greedy", "loop"])
def test_a_run_that_was_copied_here_is_checked_too(
    tmp_path: Path, content: Callable[[], bytes]
) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(content())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DamagedFileError):
        load_for_prediction(file)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MOST
