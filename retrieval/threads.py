"""Threads of messages: which answer which, as in Jamie Zawinski's algorithm (https://www.jwz.org/doc/threading.html).

Nothing of it is stored but the Message-IDs that each message has and names, so a thread is right in whichever order
mailboxes were ingested, and after messages were removed. A message that many mailboxes hold is one in its thread.
A message that says it is an answer ("Re:") and names none is put to the message with its subject before it.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from retrieval.store import Store, StoredDocument
from retrieval.types import DocumentInfo

# Begins the keys that are subjects. No Message-ID has a space in it.
SUBJECT = "subject "
# In English, German, the Scandinavian languages, Dutch, Polish, Italian and Portuguese, counted ("Re[2]:") or not.
_ANSWER = re.compile(r"\s*(?:re|aw|sv|vs|antw|odp|rif|res)(?:\[\d+\]|\^\d+)?\s*:\s*", re.IGNORECASE)
_MAX_SUBJECT = 200
# Letters with one subject ("Invoice") that lie further apart are different matters.
_MAX_GAP = timedelta(days=90)
# A thread is shown to people; a "thread" of more messages is a mailing list whose program names its first message.
_MAX_MESSAGES = 5_000
# Messages in which a quote is looked for. The nearest ones quote the others.
_MAX_EARLIER = 20


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """A message in its thread. `answers` is the Message-ID of the nearest message that it names and that is there,
    and `depth` how many lie above it that way. Several have none where the message that they answer is missing.
    `by_subject` says that nothing but its subject puts it where it is."""

    ref: str
    info: DocumentInfo
    answers: str | None
    depth: int
    by_subject: bool = False


@dataclass(frozen=True, slots=True)
class Thread:
    """The messages of a thread by date. `key` is the Message-ID of its root, whether that message is there or not;
    `position` counts from 1 and is that of the message that was asked for."""

    key: str
    position: int
    messages: tuple[ThreadMessage, ...]


def thread_keys(info: DocumentInfo) -> set[str]:
    """What connects a message with others."""
    keys = {info.message_id or "", *info.references}
    if not info.references and (subject := _subject(info.title)):
        keys.add(SUBJECT + subject)
    return keys - {""}


def is_answer(title: str) -> bool:
    """Whether a subject says that the message is an answer."""
    return _ANSWER.match(title) is not None


def thread(store: Store, document: StoredDocument) -> Thread | None:
    """The thread of a message; None for what is none, or is attached to one."""
    if not document.info.is_message or document.info.message_id is None:
        return None
    found = _connected(store, [document.id])
    parents = _parents([info for _, info in found.values()])
    root = _top(parents, document.info.message_id)
    first, *others = _by_subject(store, root, found) or [document.id]
    guessed: set[str] = set()
    if others:
        found |= _connected(store, [first, *others])
        parents = _parents([info for _, info in found.values()])
        leader = found[first][1].message_id or root
        guessed = {one for other in others if (one := found[other][1].message_id) and one not in parents} - {
            leader
        }
        for one in sorted(guessed):
            _link(parents, one, leader)
        root = _top(parents, leader)
    # One document for each message: the one that was asked for, else the one that came first.
    nodes = {info.message_id or "": (ref, info) for _, (ref, info) in sorted(found.items(), reverse=True)}
    nodes[document.info.message_id] = (document.ref, document.info)
    ordered = sorted(
        (node for one, node in nodes.items() if _top(parents, one) == root), key=lambda node: _place(node[1])
    )
    answers = {
        one: above
        for one, (_, info) in nodes.items()
        if (above := _answered(parents, info, nodes)) is not None
    }
    messages = tuple(
        ThreadMessage(
            ref,
            info,
            answers.get(one := info.message_id or ""),
            sum(1 for _ in _above(answers, one)),
            one in guessed,
        )
        for ref, info in ordered
    )
    position = next(n for n, message in enumerate(messages, start=1) if message.ref == document.ref)
    return Thread(root, position, messages)


def earlier(store: Store, info: DocumentInfo) -> list[int]:
    """The ids of the documents in which what a message quotes may stand: the nearest of the messages that it names;
    where its parent is missing, also the first that answered that; where it names none, those before it with its
    subject."""
    if not info.references:
        subject = _subject(info.title)
        return _before(store, SUBJECT + subject, info)[-_MAX_EARLIER:] if subject else []
    nearest = info.references[::-1][:_MAX_EARLIER]
    rows = store.by_id("SELECT document_id FROM thread_keys WHERE key IN ", nearest)
    named = store.named(sorted({row[0] for row in rows}))
    ids = [number for number, (_, other) in named.items() if other.message_id in nearest]
    if all(named[number][1].message_id != nearest[0] for number in ids):
        ids += _before(store, nearest[0], info)[:_MAX_EARLIER]
    return ids


def _before(store: Store, key: str, info: DocumentInfo) -> list[int]:
    """The documents with a key that lie before a message by date and do not answer it."""
    rows = store.by_id("SELECT document_id FROM thread_keys WHERE key IN ", [key])
    named = sorted(store.named([row[0] for row in rows]).items(), key=lambda item: _place(item[1][1]))
    return [
        number
        for number, (_, other) in named
        if _place(other) < _place(info) and info.message_id not in other.references
    ]


def _connected(store: Store, ids: Iterable[int]) -> dict[int, tuple[str, DocumentInfo]]:
    """The messages that are connected with these by the Message-IDs that they have and name."""
    found: dict[int, tuple[str, DocumentInfo]] = {}
    keys: set[str] = set()
    new = set(ids)
    while new and len(found) < _MAX_MESSAGES:
        named = store.named(sorted(new))
        found |= named
        fresh = {
            key for _, info in named.values() for key in (info.message_id, *info.references) if key
        } - keys
        keys |= fresh
        rows = store.by_id("SELECT DISTINCT document_id FROM thread_keys WHERE key IN ", sorted(fresh))
        new = {row[0] for row in rows} - found.keys()
    return found


def _by_subject(store: Store, root: str, found: Mapping[int, tuple[str, DocumentInfo]]) -> list[int]:
    """The messages that belong with the root of a tree by their subject, the first of them first. None where the root
    names others, or is not there."""
    top = next((info for _, info in found.values() if info.message_id == root and not info.references), None)
    if top is None or not (subject := _subject(top.title)):
        return []
    rows = store.by_id("SELECT document_id FROM thread_keys WHERE key IN ", [SUBJECT + subject])
    named = store.named([row[0] for row in rows])
    groups: list[list[int]] = []
    last: DocumentInfo | None = None
    for number, (_, info) in sorted(named.items(), key=lambda item: _place(item[1][1])):
        again = last is not None and last.message_id == info.message_id
        follows = last is not None and is_answer(info.title) and _when(info) - _when(last) <= _MAX_GAP
        if not (again or follows):
            groups.append([])
        groups[-1].append(number)
        last = info
    return next((group for group in groups if any(named[one][1].message_id == root for one in group)), [])


def _parents(infos: Sequence[DocumentInfo]) -> dict[str, str]:
    """The parent of each Message-ID that has one. A message's own word on its parent comes before what others say."""
    parents: dict[str, str] = {}
    ordered = sorted(infos, key=_place)
    for info in ordered:
        if info.references and info.message_id:
            _link(parents, info.message_id, info.references[-1])
    for info in ordered:
        for above, below in zip(info.references, info.references[1:], strict=False):
            _link(parents, below, above)
    return parents


def _link(parents: dict[str, str], below: str, above: str) -> None:
    """Puts `below` under `above` unless it has a parent, or they would go in a circle."""
    if below != above and below not in parents and below not in _above(parents, above):
        parents[below] = above


def _above(parents: Mapping[str, str], one: str) -> Iterator[str]:
    """The Message-IDs above one, nearest first."""
    while one in parents:
        one = parents[one]
        yield one


def _answered(parents: Mapping[str, str], info: DocumentInfo, there: Container[str]) -> str | None:
    """The nearest message above one that is there. Who names what he answers is not put below anything else because
    others name both."""
    above = (one for one in _above(parents, info.message_id or "") if one in there)
    return next((one for one in above if not info.references or one in info.references), None)


def _top(parents: Mapping[str, str], one: str) -> str:
    """The Message-ID at the top of the tree that one is in."""
    for above in _above(parents, one):
        one = above
    return one


def _place(info: DocumentInfo) -> tuple[datetime, str]:
    return _when(info), info.message_id or ""


def _when(info: DocumentInfo) -> datetime:
    if info.date is None:
        return datetime.min.replace(tzinfo=UTC)
    when = datetime.fromisoformat(info.date)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _subject(title: str) -> str:
    """A subject without what says that it is an answer, for comparing."""
    while match := _ANSWER.match(title):
        title = title[match.end() :]
    folded = " ".join(title.casefold().split())[:_MAX_SUBJECT]
    return "" if folded == "(no subject)" else folded
