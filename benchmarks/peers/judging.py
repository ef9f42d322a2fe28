"""Whether what a system found or said is right, by the measures that kb is judged by itself."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks.peers.documents import Source
from kb.evaluation.measures import is_gold, is_right
from retrieval.types import Copy, DocumentInfo, Hit

_SAID = r"(?:mention|provide|contain|specif|state|said|say|include|give|list|found|available|indicate|enough|answer)"
_SOURCES = r"(?:context|sources?|passages?|texts?|documents?|information)"
# How a model says, in prose, that its sources do not hold the answer.
_REFUSES = re.compile(
    rf"\b{_SOURCES}\b.*(?:\bnot\b|n['’]t\b|\bno\b).*\b{_SAID}|(?:\bnot\b|n['’]t\b).*\b{_SAID}.*\b{_SOURCES}\b"
    r"|\bno (?:\w+ )?(?:information|mention|answer)\b"
    r"|\b(?:unable to|can(?:no|['’])t|could not) (?:answer|determine|find|provide)\b"
    r"|\bi (?:do not|don['’]t) (?:know|have)\b|\bi(?:['’]m| am) sorry\b|\bunknown\b|^empty response$",
    re.IGNORECASE,
)  # fmt: skip


def rank_of_gold(
    passages: Sequence[Mapping[str, Any]],
    question: dict[str, Any],
    sources: Mapping[str, Source],
    text_of: Callable[[str], str],
) -> int | None:
    """The rank, from 1, of the first passage that the question's gold names; None when there is none."""
    for rank, passage in enumerate(passages, 1):
        needs_place = "char_spans" in question and Path(passage["document"]).name == question["doc"]
        spans = places(passage, text_of) if needs_place else [(0, 0)]
        if any(is_gold(_hit(passage, rank, span, sources), question) for span in spans):
            return rank
    return None


def places(passage: Mapping[str, Any], text_of: Callable[[str], str]) -> list[tuple[int, int]]:
    """Where a passage stands in its document: where its system says, else everywhere its letters and digits stand in
    that order."""
    if passage["start"] is not None:
        return [(passage["start"], passage["end"])]
    kept, positions = _letters(text_of(passage["document"]))
    wanted, _ = _letters(passage["text"])
    found, at = [], kept.find(wanted) if wanted else -1
    while at >= 0:
        found.append((positions[at], positions[at + len(wanted) - 1] + 1))
        at = kept.find(wanted, at + 1)
    return found


def refuses(text: str) -> bool:
    """Whether an answer says no more than that the sources do not hold it. A system that can't say so itself is judged
    by its first sentence."""
    first = re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0]
    return not first or bool(_REFUSES.search(first))


def judge_answer(reply: Mapping[str, Any], question: Mapping[str, Any]) -> dict[str, bool]:
    """Whether the answer is one, is right, and names the gold document among its sources."""
    refused = reply["refused"] if reply["refused"] is not None else refuses(reply["text"])
    named = {Path(document).name for document in reply["documents"]}
    return {
        "answerable": question["answerable"],
        "answered": not refused,
        "right": not refused and is_right(reply["text"], question["answers"]),
        "cited": not refused and question.get("doc") in named,
    }


def _hit(passage: Mapping[str, Any], rank: int, span: tuple[int, int], sources: Mapping[str, Source]) -> Hit:
    source = sources.get(passage["document"])
    if source is None:
        source = Source(passage["document"], passage["page"], passage["message_id"], tuple(passage["copies"]))
    copies = tuple(Copy("", _info(source.document, message)) for message in source.copies)
    info = _info(source.document, source.message_id)
    return Hit(rank, "", 0, info, *span, text=passage["text"], page=source.page, copies=copies)


def _info(document: str, message_id: str | None) -> DocumentInfo:
    return DocumentInfo(document, "", "text", "", message_id=message_id)


@lru_cache(maxsize=64)
def _letters(text: str) -> tuple[str, list[int]]:
    """The text's letters and digits, and where each stands."""
    kept = [(character, at) for at, character in enumerate(text) if character.isalnum()]
    return "".join(c for c, _ in kept), [at for _, at in kept]
