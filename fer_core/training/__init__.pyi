from . import distillation as distillation
from . import trainer as trainer
from .release import ship as ship

__all__ = [
    "distillation",
    "ship",
    "trainer",
]
