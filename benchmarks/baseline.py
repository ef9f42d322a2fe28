"""What an off-the-shelf stack finds on the same questions: sentence-transformers and bm25s, fused.

160-word passages with 30 words of overlap and the title in front, the same embedding model, bm25s with English stop
words, and of each the best 100, fused by min-max scaled scores, both alike.
"""

import re
import time
from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np
from numpy.typing import NDArray

from ingest.embedder import Embedder
from kb.evaluation.questions import Question
from kb.evaluation.results import Found, judge_hits
from retrieval.types import DocumentInfo, Hit

# The sets whose documents are text files as they lie there.
SETS = ("wiki", "meetings")
_WORDS, _OVERLAP = 160, 30
_DEPTH = 100
_TITLE = re.compile(r"#\s+(.+)")


def passages(folder: Path) -> list[tuple[str, Hit]]:
    """What is embedded and searched for each passage of the Markdown files of a folder, and the passage as a hit."""
    found = []
    for file in sorted(folder.rglob("*.md")):
        text = file.read_text("utf-8")
        heading = _TITLE.match(text)
        info = DocumentInfo(str(file), "", "wiki", heading[1] if heading else file.stem)
        words = [match.span() for match in re.finditer(r"\S+", text)]
        for first in range(0, max(1, len(words) - _OVERLAP), _WORDS - _OVERLAP):
            window = words[first : first + _WORDS]
            if window:
                start, end = window[0][0], window[-1][1]
                hit = Hit(0, f"{file.name}:{start}", 0, info, start, end, text[start:end])
                found.append((f"{info.title}\n{hit.text}", hit))
    return found


def search(folder: Path, questions: Sequence[Question], embedder: Embedder) -> dict[str, list[Found]]:
    """For dense, BM25 and both: what is found, question by question."""
    texts, hits = zip(*passages(folder), strict=True)
    vectors = embedder.encode(texts)
    words = bm25s.BM25()
    words.index(bm25s.tokenize(list(texts), stopwords="en", show_progress=False), show_progress=False)
    found: dict[str, list[Found]] = {name: [] for name in ("dense", "BM25", "min-max")}
    for question in questions:
        started = time.perf_counter()
        cosines = vectors @ embedder.encode([question.text])[0]
        dense = _best(cosines)
        asked = bm25s.tokenize([question.text], stopwords="en", show_progress=False)
        numbers, scores = words.retrieve(asked, k=min(_DEPTH, len(texts)), show_progress=False)
        lexical = {int(n): float(s) for n, s in zip(numbers[0], scores[0], strict=True) if s > 0}
        both = _fused(dense, lexical)
        milliseconds = 1000 * (time.perf_counter() - started)
        for name, ranking in (("dense", dense), ("BM25", lexical), ("min-max", both)):
            order = sorted(ranking, key=lambda n: (-ranking[n], n))
            found[name].append(judge_hits([hits[n] for n in order], question.places, milliseconds))
    return found


def _best(scores: NDArray[np.float32]) -> dict[int, float]:
    return {int(n): float(scores[n]) for n in np.argsort(-scores, kind="stable")[:_DEPTH]}


def _fused(*sides: dict[int, float]) -> dict[int, float]:
    total: dict[int, float] = {}
    for side in sides:
        low, high = min(side.values(), default=0.0), max(side.values(), default=0.0)
        for n, score in side.items():
            total[n] = total.get(n, 0.0) + ((score - low) / (high - low) if high > low else 1.0)
    return total
