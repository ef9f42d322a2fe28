"""What is compared: the systems, their settings, and how their adapters are started."""

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.running import ADAPTERS
from kb.catalogue import DEFAULT_EMBEDDER, DEFAULT_LLM
from kb.model_store import ModelStore


@dataclass(frozen=True, slots=True)
class System:
    """A system with one of its settings. `name` is its environment's too; `answers` says whether it can."""

    name: str
    setting: str
    title: str
    answers: bool = True

    @property
    def key(self) -> str:
        """A name for its folder."""
        return f"{self.name}-{self.setting}"

    def command(self, environments: Path, documents: Path, index: Path) -> list[str]:
        """What starts its adapter."""
        python = Path(sys.executable) if self.name == "kb" else environments / self.name / "bin" / "python"
        models = ModelStore()
        options = {
            "documents": documents, "index": index, "setting": self.setting,
            "embedder": models.path(DEFAULT_EMBEDDER), "llm": models.path(DEFAULT_LLM),
        }  # fmt: skip
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return [str(python), str(ADAPTERS / f"{self.name}_adapter.py"), *words]


SYSTEMS = (
    System("kb", "default", "kb"),
    System("llamaindex", "default", "LlamaIndex, defaults"),
    System("llamaindex", "best", "LlamaIndex, chunks of 256 tokens, fused with BM25"),
    System("txtai", "default", "txtai, paragraphs"),
    System("txtai", "best", "txtai, recursive chunks of 1,000 characters, hybrid"),
    System("chroma", "default", "Chroma, LangChain's splitter, 1,000 characters", answers=False),
    System("chroma", "best", "Chroma, LangChain's splitter, 200 tokens", answers=False),
    System("haiku", "default", "haiku.rag, defaults: chunks of 256 tokens, hybrid", answers=False),
)
