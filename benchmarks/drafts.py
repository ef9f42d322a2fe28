"""What the model has written for each prompt, kept in a file, so that a change behind the model is measured in minutes.

A completion is the model's most probable one, so the same prompt has the same one every time, and a run over kept ones
gives the same answers as a run without them. Only its seconds mean nothing.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from generation.llm import LocalModel
from generation.stop import Stop
from generation.types import Piece


@contextmanager
def kept_drafts(file: Path) -> Iterator[None]:
    """Takes completions of prompts that the file knows from there, and adds those that it does not know."""
    write = LocalModel.complete
    drafts = sqlite3.connect(file, isolation_level=None)
    drafts.execute("CREATE TABLE IF NOT EXISTS drafts (prompt TEXT PRIMARY KEY, draft TEXT)")

    def complete(
        self: LocalModel,
        prompt: Sequence[int],
        max_tokens: int,
        may_begin: Callable[[float], bool] = lambda refusal: True,
        stop: Stop | None = None,
    ) -> Iterator[Piece]:
        key = hashlib.sha256(repr((self.name, max_tokens, list(prompt))).encode()).hexdigest()
        row = drafts.execute("SELECT draft FROM drafts WHERE prompt = ?", (key,)).fetchone()
        refusal, pieces = json.loads(row[0]) if row else (0.0, None)
        if pieces and len(pieces[0]) < len(fields(Piece)):  # of a time when a piece told less
            row = pieces = None
        if row and not may_begin(refusal):
            return
        if pieces is None:
            begun = False

            def noted(probability: float) -> bool:
                nonlocal refusal, begun
                refusal, begun = probability, may_begin(probability)
                return begun

            pieces = [
                (piece.text, piece.tokens, piece.probability)
                for piece in write(self, prompt, max_tokens, noted, stop)
            ]
            draft = json.dumps((refusal, pieces if begun else None))
            drafts.execute("INSERT OR REPLACE INTO drafts VALUES (?, ?)", (key, draft))
        yield from (Piece(*piece) for piece in pieces)

    LocalModel.complete = complete  # type: ignore[method-assign]
    try:
        yield
    finally:
        LocalModel.complete = write  # type: ignore[method-assign]
        drafts.close()
