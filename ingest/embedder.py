"""The embedding model while documents are read in: sentence-transformers, in bfloat16 where that is faster.

Importing this module is cheap; making an `Embedder` imports torch (3 to 6 seconds), so that an ingest with
nothing to embed never pays for it.
"""

import ctypes
import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import ModelError

# Characters a batch, each text counted as long as the longest of it: 32 texts that fill the window of MiniLM. On two
# cores larger ones gain nothing and hold more memory.
_BATCH_CHARS = 32 * 1000
# In some scripts a character is a token, so that short texts may fill the window, too.
_BATCH_TEXTS = 64
# Compiled operations that oneDNN keeps, each with its scratch memory: those of one batch. It would keep 1024, of every
# shape of batch that came (pytorch/pytorch issue 27971): 1.8 GB after 5,000 chunks, these take 0.6, no slower.
_KEPT_OPERATIONS = "8"
_MODEL_FILES = {".json", ".safetensors", ".bin", ".txt"}


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A sentence-transformers model on disk, and its name for people."""

    name: str
    path: Path

    def fingerprint(self) -> str:
        """SHA-256 over the model's files by name and content: equal fingerprints give equal vectors."""
        total = hashlib.sha256()
        try:
            for file in sorted(p for p in self.path.rglob("*") if p.suffix in _MODEL_FILES):
                with file.open("rb") as stream:
                    content = hashlib.file_digest(stream, "sha256").hexdigest()
                total.update(f"{file.relative_to(self.path).as_posix()} {content}\n".encode())
        except OSError as error:
            raise ModelError(f"the embedding model {self.name} can't be read: {error}") from error
        return total.hexdigest()


class Embedder:
    """Encodes chunks with a sentence-transformers model."""

    def __init__(self, folder: ModelFolder) -> None:
        """Loads the model from disk; nothing is fetched. Raises ModelError when that fails."""
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", _KEPT_OPERATIONS)
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            model = SentenceTransformer(str(folder.path), device="cpu", local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            raise ModelError(
                f"the embedding model {folder.name} in {folder.path} can't be loaded: {error}"
            ) from error
        self.model = model.eval()
        self.max_tokens = int(model.max_seq_length or 512)
        self.dimensions = int(model.get_embedding_dimension() or 0)
        self._torch = torch
        self._document_prompt: str = model.prompts.get("document") or model.prompts.get("passage") or ""
        # bfloat16 halves the time where the CPU has the instructions and keeps cosine >= 0.9999 to float32.
        self._stopped = threading.Event()
        self._autocast = torch.backends.cpu.get_cpu_capability() == "AVX512" and _has_bf16()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of `texts`: float32, (len(texts), dimensions), unit length. Raises Stopped after `stop`."""
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for batch in _batches(texts):
            if self._stopped.is_set():
                raise Stopped
            vectors[batch] = self._encode([self._document_prompt + texts[number] for number in batch])
        _give_back()
        return vectors

    def stop(self) -> None:
        """Ends an `encode` of another thread after its batch, and any later one."""
        self._stopped.set()

    def _encode(self, texts: list[str]) -> NDArray[np.float32]:
        context = self._torch.autocast("cpu", self._torch.bfloat16) if self._autocast else nullcontext()
        with self._torch.inference_mode(), context:
            vectors = self.model.encode(
                texts, batch_size=len(texts), convert_to_tensor=True, normalize_embeddings=True,
                show_progress_bar=False,
            )  # fmt: skip
        return np.asarray(vectors.float().numpy(), dtype=np.float32)


class Stopped(Exception):
    """The embedder was told to stop."""


def _batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """The numbers of the texts in groups of like length, the longest first: what needs the most memory fails first."""
    batch: list[int] = []
    for number in sorted(range(len(texts)), key=lambda number: -len(texts[number])):
        if batch and (len(batch) == _BATCH_TEXTS or (len(batch) + 1) * len(texts[batch[0]]) > _BATCH_CHARS):
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _give_back() -> None:
    """Gives memory that is free to the system. The C library keeps it, in pieces of the sizes that batches had: 0.7 GB
    after a quarter of an hour."""
    with suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


def _has_bf16() -> bool:
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:  # not Linux: float32 is always right
        return False
