"""The options that several commands share, and what they become."""

import re
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from retrieval.errors import UsageError
from retrieval.types import KINDS, Filters, Kind


def _folder(given: Path | None) -> Path | None:
    from kb.bases import find

    return find(given)


def _model(given: str | None) -> str | None:
    from kb.settings import settings

    return given or settings().model


KbFolder = Annotated[
    Path | None,
    typer.Option(
        "--kb", metavar="DIR", callback=_folder,
        help="The knowledge base's folder or name (default: KB_HOME, a .kb folder here or above, or the user's data).",
    ),
]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind", metavar="KIND", help=f"Only documents of this kind: {', '.join(KINDS)}. Repeatable."
    ),
]
Sender = Annotated[str | None, typer.Option("--from", metavar="NAME", help="Only by this sender or author.")]
After = Annotated[
    str | None, typer.Option("--after", metavar="DATE", help="Only from this day (or month, or year) on.")
]
Before = Annotated[str | None, typer.Option("--before", metavar="DATE", help="Only from before this day.")]
Source = Annotated[
    str | None,
    typer.Option("--source", metavar="GLOB", help="Only files whose path matches, as 'wiki/*.md'."),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        callback=_model,
        help="The answering model: see kb models list, a GGUF file, or an endpoint's URL.",
    ),
]

# A day, a month, or a year.
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")


def filters_from(
    kinds: list[str] | None, sender: str | None, after: str | None, before: str | None, source: str | None
) -> Filters:
    """The options as a filter. Raises UsageError for an unknown kind or a date that is none."""
    return Filters(
        kinds=tuple(_kind(name) for name in kinds or ()),
        sender=sender or None,
        after=_day("--after", after),
        before=_day("--before", before),
        source=source or None,
    )


def _kind(name: str) -> Kind:
    for kind in KINDS:
        if kind == name.lower():
            return kind
    raise UsageError(f"--kind {name}: there is no such kind of document; name one of {', '.join(KINDS)}")


def _day(option: str, text: str | None) -> date | None:
    """The first day of what `text` names."""
    if text is None:
        return None
    match = _DAY.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        year, month, day = match.groups(default="1")
        return date(int(year), int(month), int(day))
    except ValueError:
        raise UsageError(
            f"{option} {text}: this is no date; write it as 2025-07-01, 2025-07 or 2025"
        ) from None
