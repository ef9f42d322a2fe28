"""Exports an embedding model to one ONNX graph, so that queries need no torch.

`ensure_encoder` runs this file as a process of its own, so that its caller never imports torch either. The graph
holds the whole sentence-transformers model: transformer, pooling, normalisation. The export is put in place
only when its vectors agree with the original's.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from dataclasses import asdict
from pathlib import Path

from ingest.embedder import Embedder, ModelFolder
from retrieval.encoder import GRAPH, SETTINGS, TOKENIZER, Encoder, EncoderSettings
from retrieval.errors import ModelError

# Least cosine between the two for a text; float32 against float32 differs in the sixth decimal.
AGREEMENT = 0.999
_PROBES = (
    "who approved the launch?",
    "Q3",
    "The budget of 42,000 EUR was revised on 3 September 2024, after the supplier's delay had become known.",
    "Größe, naïve, 東京, пример — and an e-mail address: dana@example.org",
    " ".join(f"word{i}" for i in range(400)),
)


def ensure_encoder(model: ModelFolder, fingerprint: str, folder: Path) -> Path:
    """The export of `model` in `folder`, made by a child process when it is not there yet (some 15 seconds,
    once). Raises ModelError when it can't be made."""
    if not (folder / SETTINGS).exists():
        # The child imports the code that the parent runs; -P, so that a folder named "ingest" where the user happens to
        # be is not imported in its place.
        command = [
            sys.executable,
            "-P",
            "-m",
            "ingest.export",
            model.name,
            str(model.path),
            str(folder),
            fingerprint,
        ]
        path = os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH"))))
        environment = os.environ | {"PYTHONPATH": path}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise ModelError(f"the embedding model {model.name} can't be exported for queries: {lines[-1]}")
    return folder


def export(embedder: Embedder, model: ModelFolder, fingerprint: str, folder: Path) -> None:
    """Writes the export of `embedder` (loaded from `model`) into `folder`, whole or not at all. Raises
    ModelError when it disagrees with the model."""
    import torch

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = embedder.model

        def forward(
            self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
        ) -> torch.Tensor:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            if "token_type_ids" in embedder.model.tokenizer.model_input_names:
                features["token_type_ids"] = token_type_ids
            vector: torch.Tensor = self.inner(features)["sentence_embedding"]
            return torch.nn.functional.normalize(vector, dim=-1)

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        beside = Path(scratch) / "export"
        beside.mkdir()
        ids = torch.ones((2, 8), dtype=torch.int64)
        batch, tokens = torch.export.Dim("batch"), torch.export.Dim("tokens", max=embedder.max_tokens)
        shape = {0: batch, 1: tokens}
        logging.getLogger("torch.onnx").setLevel(
            logging.ERROR
        )  # it speaks of torchvision, which nobody needs
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Whole().eval(), (ids, torch.ones_like(ids), torch.zeros_like(ids)), beside / GRAPH, dynamo=True,
                input_names=["input_ids", "attention_mask", "token_type_ids"], output_names=["vector"],
                dynamic_shapes={"input_ids": shape, "attention_mask": shape, "token_type_ids": shape},
                external_data=False, verbose=False,
            )  # fmt: skip
        shutil.copy(model.path / TOKENIZER, beside / TOKENIZER)
        settings = EncoderSettings(
            fingerprint=fingerprint, dimensions=embedder.dimensions, max_tokens=embedder.max_tokens,
            query_prompt=embedder.model.prompts.get("query") or "",
        )  # fmt: skip
        (beside / SETTINGS).write_text(json.dumps(asdict(settings)))
        with torch.inference_mode():
            expected = embedder.model.encode(
                list(_PROBES), normalize_embeddings=True, show_progress_bar=False
            )
        least = float((Encoder(beside).encode(_PROBES) * expected).sum(axis=1).min())
        if least < AGREEMENT:
            raise ModelError(f"the export of {model.name} differs from the model (cosine {least:.4f})")
        if not folder.exists():
            beside.replace(folder)


if __name__ == "__main__":
    try:
        chosen = ModelFolder(sys.argv[1], Path(sys.argv[2]))
        export(Embedder(chosen), chosen, sys.argv[4], Path(sys.argv[3]))
    except ModelError as problem:
        sys.exit(str(problem))
