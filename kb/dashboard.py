"""A knowledge base on one screen: how much of what, from when, how fresh, and what it works with."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from kb.offer import size
from kb.render import day, wrapped
from kb.reports import BaseStatus
from retrieval.text import one_line

# Months that are shown, the newest of the documents last; what is older is one line.
_MONTHS = 12
_BAR = 24
# Unreadable files that are named.
_FAILED = 10


def dashboard(
    status: BaseStatus, now: datetime, columns: int | None, block: str
) -> Iterator[tuple[str, str]]:
    """The lines, each with its style. Bars are made of `block`; lines are cut for `columns` (None: not at all)."""
    yield one_line(str(status.folder.absolute())), "bold"
    if not status.documents:
        yield "nothing in it yet: run kb ingest PATH", ""
    else:
        yield f"{status.documents} documents · {status.chunks} chunks · {size(status.bytes_on_disk)}", ""
    yield from ((line, "dim") for line in _fresh(status, now))
    if status.documents:
        yield from _bars("Kinds", status.by_kind, block, columns)
    if dated := {month: count for month, count in status.by_month.items() if month}:
        yield from _bars("Months", _recent(dated), block, columns)
        undated = status.by_month.get("", 0)
        if undated:
            yield f"{undated} without a date", "dim"
    yield from _titled("Models")
    yield wrapped(f"embeds with   {_model(status.embedder, status.embedder_present)}", "", columns), ""
    yield wrapped(f"answers with  {_model(status.llm, status.llm_present)}", "", columns), ""
    if status.index:
        from kb.shared import where_it_lies

        yield wrapped(f"shared index  {status.index} ({where_it_lies(status.index)})", "", columns), ""
    if status.roots:
        yield from _titled("Read from")
        yield from ((one_line(root), "") for root in status.roots)
    if status.failed:
        yield from _titled(f"Unreadable: {len(status.failed)}")
        for failure in status.failed[:_FAILED]:
            yield wrapped(one_line(f"{failure.doc}: {failure.error}"), "", columns), ""
        if len(status.failed) > _FAILED:
            yield f"and {len(status.failed) - _FAILED} more: kb status --json names all", "dim"


def age(when: datetime, now: datetime) -> str:
    """How long ago that was, in the largest unit that fits."""
    seconds = max(0, int((now - when).total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def _titled(title: str) -> Iterator[tuple[str, str]]:
    yield "", ""
    yield title, "bold"


def _fresh(status: BaseStatus, now: datetime) -> Iterator[str]:
    if status.last_ingest:
        when = datetime.fromisoformat(status.last_ingest)
        yield f"last ingest {age(when if when.tzinfo else when.replace(tzinfo=UTC), now)}"
    if status.oldest and status.newest:
        yield f"documents from {day(status.oldest)} to {day(status.newest)}"


def _recent(by_month: Mapping[str, int]) -> dict[str, int]:
    """The last months up to the newest, those without a document too, after all earlier ones together."""
    year, month = map(int, max(by_month).split("-"))
    newest = 12 * year + month - 1
    shown = [f"{at // 12:04}-{at % 12 + 1:02}" for at in range(newest - _MONTHS + 1, newest + 1)]
    shown = shown[next((at for at, name in enumerate(shown) if name in by_month), 0) :]
    earlier = sum(count for name, count in by_month.items() if name < shown[0])
    return ({"earlier": earlier} if earlier else {}) | {name: by_month.get(name, 0) for name in shown}


def _bars(
    title: str, counts: Mapping[str, int], block: str, columns: int | None
) -> Iterator[tuple[str, str]]:
    yield from _titled(title)
    names, figures = max(map(len, counts)), len(str(max(counts.values())))
    room = max(1, min(_BAR, (columns or 80) - names - figures - 4))
    most = max(counts.values())
    for name, count in counts.items():
        length = max(1, round(room * count / most)) if count else 0
        yield f"{name:<{names}}  {count:>{figures}}  {block * length}".rstrip(), ""


def _model(name: str, present: bool) -> str:
    from generation.endpoint import is_endpoint, where_it_goes

    if is_endpoint(name):
        return f"{name} ({where_it_goes(name)})"
    return name if present else f"{name} (missing: kb models pull {name})"
