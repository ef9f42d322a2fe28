"""Turns queries into vectors without torch: the embedding model, exported once, in onnxruntime.

Importing sentence-transformers takes 3 to 6 seconds; onnxruntime and tokenizers take 0.13. The export
(`ingest.export`) holds the whole model, pooling and normalisation included, and is accepted only when its
vectors agree with sentence-transformers.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from retrieval.errors import ModelError

GRAPH, TOKENIZER, SETTINGS = "encoder.onnx", "tokenizer.json", "encoder.json"
_BATCH = 32  # texts a run: more does not help on two cores and pads more


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """What the export notes beside the graph. `query_prompt` is put in front of a query ("query: " for the
    E5 models), `max_tokens` is the model's window, special tokens included."""

    fingerprint: str
    dimensions: int
    max_tokens: int
    query_prompt: str = ""


class Encoder:
    """Encodes short texts. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        """Loads the export in `folder`. Raises ModelError when it is missing or damaged."""
        try:
            self.settings = EncoderSettings(**json.loads((folder / SETTINGS).read_text()))
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3  # errors only: warnings would land on the user's terminal
            # Threads that wait by spinning take the processors from the language model and each other: on two
            # busy ones a query then took 40 ms for 5, on idle ones 4 for 5.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            self._session = onnxruntime.InferenceSession(
                str(folder / GRAPH), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise ModelError(
                f"the query encoder in {folder} can't be loaded ({error}): delete that folder and run kb reindex"
            ) from error
        self._tokenizer.enable_truncation(self.settings.max_tokens)
        self._tokenizer.enable_padding()
        self._inputs = {node.name for node in self._session.get_inputs()}

    def encode_query(self, query: str) -> NDArray[np.float32]:
        """The query's vector: float32, (dimensions,), unit length."""
        vector: NDArray[np.float32] = self.encode([self.settings.query_prompt + query])[0]
        return vector

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of `texts`: float32, (len(texts), dimensions), unit length."""
        vectors = np.empty((len(texts), self.settings.dimensions), dtype=np.float32)
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # little padding within a batch
        for start in range(0, len(texts), _BATCH):
            rows = by_length[start : start + _BATCH]
            encodings = self._tokenizer.encode_batch([texts[i] for i in rows])
            feed = {
                "input_ids": np.array([e.ids for e in encodings], dtype=np.int64),
                "attention_mask": np.array([e.attention_mask for e in encodings], dtype=np.int64),
                "token_type_ids": np.array([e.type_ids for e in encodings], dtype=np.int64),
            }
            vectors[rows] = self._session.run(None, {k: v for k, v in feed.items() if k in self._inputs})[0]
        return vectors
