"""The models that all sessions share."""

from pathlib import Path

import pytest
import streamlit as st

from fer_core.errors import FerError
from pages.components.shared import models


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    st.cache_resource.clear()


def test_a_model_that_could_not_be_loaded_is_loaded_again(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([FerError("damaged"), "a classifier"])

    def load(run_id: str, tta: bool) -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(models, "_load_classifier", load)
    with pytest.raises(FerError, match="damaged"):
        models.classifier("a", 1)
    assert [models.classifier("a", 1) for _ in range(2)] == ["a classifier"] * 2
