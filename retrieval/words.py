"""The words side of a search: BM25 over SQLite's full-text index."""

import re
from typing import Any

from retrieval.store import Space, Store

# English function words and question words: in a question they say nothing about where the answer is.
STOP_WORDS = frozenset(
    "a about after all also am an and any are as at be because been before being but by can could did do "
    "does doing for from had has have having he her here hers him his how i if in into is it its me my no "
    "not of on or our ours she should so some such than that the their theirs them then there these they "
    "this those to too us was we were what when where which while who whom whose why will with would you "
    "your yours".split()
)
_WORD = re.compile(r"\w+")
# bm25() weighs the columns header and body. A title or sender says more about a chunk than one more word in it.
HEADER_WEIGHT, BODY_WEIGHT = 1.0, 1.0


def content_words(text: str) -> list[str]:
    """The words of `text` in lower case without stop words, in order, each once; all words when there
    are only stop words."""
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(text)))
    return [word for word in words if word not in STOP_WORDS] or words


def match_expression(query: str) -> str | None:
    """The FTS5 expression that finds any content word of `query`, None when it has no word. Every word is
    quoted, so that nothing in a question acts as query syntax."""
    words = content_words(query)
    return " OR ".join(f'"{word}"' for word in words) or None


def search_words(
    store: Store, space: Space, query: str, k: int, condition: str, values: list[Any]
) -> list[tuple[int, float]]:
    """The `k` best chunks by BM25 (chunk id, score; larger is better), best first, among the documents that
    meet the SQL `condition` with its `values` (see `Store.filtered`)."""
    expression = match_expression(query)
    if expression is None:
        return []
    rows = store.connection.execute(
        "SELECT c.id, -bm25(fts, ?, ?) AS score FROM fts "
        "JOIN chunks c ON c.id = fts.rowid JOIN documents d ON d.id = c.document_id "
        "JOIN files f ON f.id = d.file_id "
        f"WHERE fts MATCH ? AND c.space_id = ? AND {condition} ORDER BY score DESC, c.id LIMIT ?",
        (HEADER_WEIGHT, BODY_WEIGHT, expression, space.id, *values, k),
    )
    return [(row[0], row[1]) for row in rows]
