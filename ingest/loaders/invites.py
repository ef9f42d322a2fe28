"""Calendar invitations (.ics, text/calendar, RFC 5545) as text: what, when, where, who."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from icalendar import Calendar, Event

from ingest.document import Block, Document
from ingest.loaders.plain import headline, text_of, title_from_name
from retrieval.errors import LoadError
from retrieval.text import clean, one_line
from retrieval.types import DocumentInfo

# A year of somebody's calendar has a few thousand events.
MAX_EVENTS = 20_000
_MAX_PEOPLE = 50
# Ten years of somebody's calendar; some 10 s of work.
MAX_CALENDAR_BYTES = 16 * 2**20
_MAX_ZONES = 50
# Lines are folded at 75 characters, RFC 5545, 3.1.
_FOLD = re.compile(r"\r?\n[ \t]")
_ZONE_RULE = re.compile(
    r"RRULE:(?:(?:FREQ=YEARLY|INTERVAL=\d+|UNTIL=\w+|COUNT=\d+|WKST=\w\w|BYMONTH=\d+|BYMONTHDAY=[-\d,]{1,40}"
    r"|BYDAY=[-+]?\d?[A-Z]{2});?)+$"
)
_METHODS = {"CANCEL": "Cancelled", "REPLY": "Reply", "COUNTER": "Proposed instead"}


def read(data: bytes, name: str, doc: str) -> Iterator[Document]:
    """A calendar as one document; each event is a block."""
    if len(data) > MAX_CALENDAR_BYTES:
        raise LoadError(f"the calendar is larger than {MAX_CALENDAR_BYTES >> 20} MB")
    text = _bounded(text_of(data))
    try:
        calendar = Calendar.from_ical(text)
    except ValueError as error:
        raise LoadError(f"it does not look like a calendar ({one_line(str(error))[:100]})") from error
    events = [event for event in calendar.walk("VEVENT") if isinstance(event, Event)][:MAX_EVENTS]
    method = _METHODS.get(str(calendar.get("METHOD", "")).upper(), "")
    texts = [text for event in events if (text := _text(event, method))]
    if not texts:
        raise LoadError("the calendar holds no event")
    text = ""
    blocks = []
    for part in texts:
        text += "\n\n" if text else ""
        blocks.append(Block(len(text), len(text) + len(part), "paragraph"))
        text += part
    title = headline(_line(events[0], "SUMMARY")) if len(events) == 1 else ""
    author = _person(events[0].get("ORGANIZER")) or None if len(events) == 1 else None
    yield Document(
        DocumentInfo(doc, "", "text", title or title_from_name(name), author=author), text, tuple(blocks)
    )


def _bounded(text: str) -> str:
    """The calendar without what its reader would work on for hours: it calculates every change of a time zone, and a
    zone may be said to change every second."""
    lines: list[str] = []
    zones, inside = 0, False
    for line in _FOLD.sub("", text).split("\n"):
        name = line.strip().upper()
        if name == "BEGIN:VTIMEZONE":
            zones, inside = zones + 1, True
        odd_rule = inside and name.startswith("RRULE") and not _ZONE_RULE.match(name)
        if not odd_rule and not (inside and zones > _MAX_ZONES):
            lines.append(line)
        if name == "END:VTIMEZONE":
            inside = False
    return "\n".join(lines)


def _text(event: Event, method: str) -> str:
    attendees = event.get("ATTENDEE") or []
    attendees = attendees if isinstance(attendees, list) else [attendees]
    people = [person for attendee in attendees[:_MAX_PEOPLE] if (person := _person(attendee))]
    more = len(attendees) - _MAX_PEOPLE
    if more > 0:
        people.append(f"{more} more")
    cancelled = "Cancelled" if _line(event, "STATUS").upper() == "CANCELLED" else method
    fields = {
        "Event": ": ".join(filter(None, (cancelled, _line(event, "SUMMARY")))),
        "When": _when(event),
        "Repeats": _repeats(event),
        "Where": _line(event, "LOCATION"),
        "Organizer": _person(event.get("ORGANIZER")),
        "Attendees": ", ".join(people),
    }
    lines = [f"{label}: {value}" for label, value in fields.items() if value]
    about = "\n".join(
        line.rstrip() for line in clean(str(event.get("DESCRIPTION", ""))).split("\n") if line.strip()
    )
    return "\n".join([*lines, about] if about else lines)


def _when(event: Event) -> str:
    start, end = (_time(event.get(name)) for name in ("DTSTART", "DTEND"))
    if start is None:
        return ""
    shown = _shown(start)
    zone = one_line(str(event["DTSTART"].params.get("TZID", "")))
    if isinstance(start, datetime) and isinstance(end, datetime):
        same_day = end.date() == start.date()
        shown += f" to {end:%H:%M}" if same_day else f" to {_shown(end)}"
    elif isinstance(end, date) and (end - start).days > 1:  # the day of the end is not part of it
        shown += f" to the day before {_shown(end)}"
    if isinstance(start, datetime) and start.tzinfo is not None:
        zone = f"{start:%z}" + (f", {zone}" if zone and zone != "UTC" else "")
    return f"{shown} ({zone})" if zone else shown


def _shown(when: date) -> str:
    return f"{when:%A, %d %B %Y %H:%M}" if isinstance(when, datetime) else f"{when:%A, %d %B %Y}"


def _time(field: Any) -> date | None:
    when = getattr(field, "dt", None)
    return when if isinstance(when, date) else None


def _repeats(event: Event) -> str:
    rule = event.get("RRULE")
    if rule is None or isinstance(rule, list):
        return ""
    values = {str(name).lower(): ", ".join(map(str, entries)) for name, entries in rule.items()}
    until = next((_time_of_rule(entry) for entry in rule.get("UNTIL", [])), "")
    parts = [
        values.get("freq", "").lower(),
        f"every {values['interval']}" if values.get("interval", "1") != "1" else "",
        f"on {values['byday']}" if "byday" in values else "",
        f"{values['count']} times" if "count" in values else "",
        f"until {until}" if until else "",
    ]
    return one_line(" ".join(filter(None, parts)))


def _time_of_rule(entry: Any) -> str:
    return f"{entry:%d %B %Y}" if isinstance(entry, date) else ""


def _line(event: Event, name: str) -> str:
    value = event.get(name, "")
    return one_line(str(value[0] if isinstance(value, list) and value else value))


def _person(field: Any) -> str:
    """Somebody as "Name <address>"."""
    field = field[0] if isinstance(field, list) and field else field
    if field is None:
        return ""
    address = one_line(str(field))
    address = address[7:] if address.lower().startswith("mailto:") else address
    name = one_line(str(getattr(field, "params", {}).get("CN", "")))
    return f"{name} <{address}>" if name and address and name != address else name or address
