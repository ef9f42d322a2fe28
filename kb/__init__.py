"""kb: a private knowledge assistant that runs on one's own machine."""

import os
from typing import TYPE_CHECKING, Any

# What a search multiplies is small, and after each product numpy's OpenBLAS keeps its other threads spinning for some
# 20 ms, on cores that the encoder and the language model want: with one of two cores busy a search took 36 ms for 22,
# and twice the processor's time. It reads this when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

if TYPE_CHECKING:
    from kb.knowledge import KnowledgeBase as KnowledgeBase

__version__ = "0.1.0"
__all__ = ["KnowledgeBase", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "KnowledgeBase":
        from kb.knowledge import KnowledgeBase

        return KnowledgeBase
    raise AttributeError(name)
