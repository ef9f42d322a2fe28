"""When a hit and an answer count as right."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retrieval.types import Hit
from retrieval.words import STOP_WORDS

_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W_]+")
# A longer answer is not what a reader asked for, whatever it contains.
_MAX_WORDS = 60


def is_gold(hit: Hit, question: dict[str, Any]) -> bool:
    """Whether a hit is one that the question's gold names."""
    if "message_id" in question:
        return question["message_id"] in (hit.info.message_id, *(copy.info.message_id for copy in hit.copies))
    if Path(hit.info.doc).name != Path(question["doc"]).name:
        return False
    if "pages" in question:
        return hit.page in question["pages"]
    if "char_spans" in question:
        return any(hit.start < end and start < hit.end for start, end in question["char_spans"])
    return True


def content(text: str) -> set[str]:
    """The words that count: lower case, stop words and single letters dropped, a final s cut; numbers whole."""
    words = (word.lower() for word in _WORD.findall(text))
    kept = {word for word in words if word not in STOP_WORDS and (len(word) > 1 or word.isdigit())}
    return {word[:-1] if word.endswith("s") and len(word) > 2 else word for word in kept}


def is_right(answer: str, accepted: Sequence[str]) -> bool:
    """Whether at least half of the content words of one accepted answer stand in an answer of at most 60 words."""
    plain = re.sub(r"\s*\[\d+\]", "", answer)
    if len(plain.split()) > _MAX_WORDS:
        return False
    words = content(plain)
    wanted = (content(entry) for entry in accepted)
    return any(entry and 2 * len(entry & words) >= len(entry) for entry in wanted)


def median(values: Sequence[float]) -> float:
    """The upper median; 0 for no values."""
    return sorted(values)[len(values) // 2] if values else 0.0
