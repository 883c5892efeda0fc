"""Limits of processes that read files of others."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
LIMITED = """
import json, resource
from fer_core.process_limits import limit_process, limited_processor
kinds = [resource.RLIMIT_CORE, resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU]
limit_process(address_space=2**32, file_size=2**20, cpu_seconds=100)
limits = [list(map(resource.getrlimit, kinds))]
with limited_processor(10):
    limits.append(list(map(resource.getrlimit, kinds)))
limit_process(address_space=2**33, file_size=2**21, cpu_seconds=1000)
limits.append(list(map(resource.getrlimit, kinds)))
print(json.dumps(limits))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits")
def test_a_process_cannot_raise_its_limits_again() -> None:
    command = [sys.executable, "-c", LIMITED]
    done = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    first, (*others, processor), last = json.loads(done.stdout)
    assert first[:3] == [[0, 0], [2**32, 2**32], [2**20, 2**20]] == others
    assert first[3][0] == first[3][1] == processor[1] > processor[0]
    assert last == first
