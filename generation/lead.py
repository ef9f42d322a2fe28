"""How far the best hit is ahead of what other documents have: where it stands out, the answer is there."""

import math
from collections.abc import Sequence

from retrieval.threads import thread_keys
from retrieval.types import Hit


def elsewhere(hits: Sequence[Hit]) -> list[Hit]:
    """The hits that are of another document than the best one and of another thread."""
    if not hits:
        return []
    best = hits[0]
    keys = thread_keys(best.info) if best.info.is_message else set()
    return [
        hit
        for hit in hits
        if document(hit.ref) != document(best.ref)
        and not (hit.info.is_message and keys & thread_keys(hit.info))
    ]


def lead(hits: Sequence[Hit]) -> float:
    """By how much the best hit's score exceeds that of the best one from elsewhere; infinite when there is none."""
    return max((hit.score for hit in hits[:1]), default=0.0) - max(
        (hit.score for hit in elsewhere(hits)), default=-math.inf
    )


def document(ref: str) -> str:
    """The document that a hit or a citation lies in."""
    return ref.partition(":")[0]
