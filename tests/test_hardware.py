"""What a machine can compute with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fer_core import hardware
from fer_core.runs.config import MIXED
from fer_core.runs.recipes import RECIPES, settings_here

ZEN_5 = (
    "processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16 avx512vl\nprocessor\t: 1\nflags\t: fpu\n"
)
HASWELL = "processor\t: 0\nflags\t\t: fpu avx2 fma\nbugs\t\t: bf16\n"
GRAVITON_3 = "processor\t: 0\nFeatures\t: fp asimd sve bf16 i8mm\n"


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No card, and nothing remembered of the machine before or after."""
    monkeypatch.setattr(hardware.shutil, "which", lambda program: None)
    forget()
    yield
    forget()


def forget() -> None:
    for answer in (hardware.has_bfloat16, hardware.gpu_names, hardware.describe):
        answer.cache_clear()


@pytest.mark.parametrize(
    ("said", "fast"), [(ZEN_5, True), (GRAVITON_3, True), (HASWELL, False), ("", False)]
)
def test_cpu_flags_tell_whether_half_precision_is_fast(
    said: str, fast: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(said, encoding="utf-8")
    monkeypatch.setattr(hardware, "CPU_INFO", tmp_path / "cpuinfo")
    assert hardware.has_bfloat16() is fast
    config = settings_here("cnn_classic")
    assert config.precision == (MIXED if fast else RECIPES["cnn_classic"].config.precision)


def test_without_cpu_flags_full_precision_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "CPU_INFO", tmp_path / "none")
    assert not hardware.has_bfloat16()


@pytest.mark.parametrize(
    ("versions", "fast"),
    [
        ("8.0\n9.0\n", True),
        ("10.0\n", True),
        ("7.5\n", False),
        ("8.6\n6.1\n", False),
        ("[N/A]\n", False),
        ("", False),
    ],
)
def test_a_gpus_compute_capability_decides(
    versions: str, fast: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    answer = versions.replace("\n", "\\n")
    program.write_text(f'#!/bin/sh\ncase "$1" in *name*) echo Card;; *) printf "{answer}";; esac\n')
    program.chmod(0o755)
    monkeypatch.setattr(hardware.shutil, "which", lambda name: str(program))
    monkeypatch.setattr(hardware, "has_cuda", lambda: True)
    assert hardware.has_bfloat16() is fast


@pytest.mark.parametrize(("processor", "told"), [("x86_64", "1"), ("AMD64", "1"), ("arm64", None)])
def test_training_uses_one_dnn_on_x86(
    processor: str, told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    monkeypatch.setattr(hardware.platform, "machine", lambda: processor)
    assert hardware.subprocess_env().get("TF_ENABLE_ONEDNN_OPTS") == told


def test_low_latency_processes_keep_tensorflows_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    assert "TF_ENABLE_ONEDNN_OPTS" not in hardware.subprocess_env(low_latency=True)


def test_variables_set_by_the_user_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setenv("FER_HOME", "/faces")
    surroundings = hardware.subprocess_env()
    assert surroundings["TF_ENABLE_ONEDNN_OPTS"] == "0" and surroundings["FER_HOME"] == "/faces"
