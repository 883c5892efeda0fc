from . import distillation as distillation
from . import trainer as trainer
from .test_split import check_unchanged as check_unchanged
from .test_split import evaluate_test as evaluate_test

__all__ = [
    "check_unchanged",
    "distillation",
    "evaluate_test",
    "trainer",
]
