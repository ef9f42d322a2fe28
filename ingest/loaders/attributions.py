"""The lines with which mail programs say that another message follows: whose it is, and whether it is answered or
forwarded."""

import re
from collections.abc import Sequence

QUOTED = re.compile(r" ?>")
# The line that says whom a quote is from: "On Tue, 3 Sep 2024, Dana wrote:" and its forms in other languages. The verb
# and the colon are asked for, or an address and the colon.
_VERB = (
    r"\b(?:wrote|writes|said|schrieb|schrieben|a écrit|écrit|escribió|schreef|scritto|ha scritto|escreveu|napisał|"
    r"napisała|skrev|kirjoitti|написал|написала|пишет)\b"
)
_ATTRIBUTION = re.compile(rf"{_VERB}.{{0,120}}:$|<[^<>\s]+@[^<>\s]+> ?:$", re.IGNORECASE)
_ATTRIBUTION_START = re.compile(r"(?:On|Am|Le|El|Op|Il|Em|Dnia|Den|W dniu)\b|\d{1,4}[./-]\d", re.IGNORECASE)
# "On …, Dana <dana@…> wrote:" breaks into as many lines when mail programs wrap it at 72 characters.
_ATTRIBUTION_LINES = 4
# Where no quoted lines follow, more is asked for: the start, a year or a time, the verb, and nothing else.
_UNMARKED = re.compile(
    rf"(?:On|Am|Le|El|Op|Il|Em|Dnia|Den|W dniu)\b.{{0,200}}(?:\b\d{{4}}\b|\d:\d\d).{{0,300}}{_VERB}.{{0,120}}:$",
    re.IGNORECASE,
)

_RULE = r"^\W{0,3}-{2,} ?"
_ANSWERED = re.compile(
    _RULE
    + r"(?:Original[- ]|Reply Message|Ursprüngliche |Originalnachricht|Antwort Nachricht|Message d.origine|"
    r"Message original|Mensaje original|Messaggio originale|Mensagem original|Oorspronkelijk bericht|"
    r"Oprindelig meddelelse|Opprinnelig melding|Ursprungligt meddelande|Wiadomość oryginalna|Исходное сообщение)"
    r".*-{2,}$",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    _RULE + r"(?:Forwarded |Weitergeleitet|Message transféré|Mensaje reenviado|Messaggio inoltrato|"
    r"Mensagem encaminhada|Doorgestuurd bericht|Videresendt|Vidarebefordrat|Пересылаемое сообщение)"
    r"|^Begin forwarded message ?:$|^Anfang der weitergeleiteten |^Début du message (?:réexpédié|transféré)"
    r"|^Inicio del mensaje reenviado|^Inizio messaggio inoltrato",
    re.IGNORECASE,
)
_FORWARDING_SUBJECT = re.compile(r"\W*(?:fwd?|wg|tr|rv|enc|vs|i)\s?:", re.IGNORECASE)

# The header lines that Outlook and others put above the message that is answered.
_LABELS = {
    "from": "from|von|de|da|van|fra|från|od|от",
    "date": "sent|date|gesendet|datum|envoyé|enviado|enviado el|fecha|inviato|data|verzonden|sendt|dato|skickat|"
    "wysłano|отправлено|дата",
    "to": "to|an|à|a|para|aan|til|till|do|кому",
    "subject": "subject|betreff|objet|asunto|oggetto|onderwerp|assunto|emne|ämne|temat|тема",
    "other": "cc|bcc|kopie|copia|copie|копия|reply-to|antwort an|importance|wichtigkeit|attachments|anlagen",
}
_KIND_OF_LABEL = {label: kind for kind, labels in _LABELS.items() for label in labels.split("|")}
_LABEL = re.compile(r"[*>\s]{0,6}([^\W\d_][\w -]{0,14}?)\*? ?: ?\*?(?:\s|$)")
_HEADER_LINES = 24
# A line of recipients may go on for some lines more.
_CONTINUED_LINES = 4
_LINE_ABOVE = re.compile(r"[_-]{5,}$")
# No line of these kinds is longer; regular expressions need not see the rest.
_MAX_LINE = 400


def attribution_above(lines: Sequence[str], quote: int) -> range:
    """The lines above the quoted lines that begin at `quote` which say whom they are from; an empty line may lie
    between."""
    end = quote
    while end > 0 and quote - end < 2 and not lines[end - 1].strip():
        end -= 1
    if end == 0 or not _ATTRIBUTION.search(lines[end - 1].strip()[-_MAX_LINE:]):
        return range(0)
    for start in range(end - 1, max(end - 1 - _ATTRIBUTION_LINES, -1), -1):
        if not lines[start].strip() or QUOTED.match(lines[start]):
            break
        if _ATTRIBUTION_START.match(lines[start].strip()):
            return range(start, end)
    # "Dana Fox <dana@…> wrote:" in a line of its own; a sentence that ends like that is left alone.
    alone = end == 1 or not lines[end - 2].strip()
    return range(end - 1, end) if alone and len(lines[end - 1]) <= 100 else range(0)


def unmarked_attribution(lines: Sequence[str], start: int) -> bool:
    """Whether the lines from `start` are an attribution, beyond doubt: what follows it need not be marked."""
    joined = ""
    for line in lines[start : start + _ATTRIBUTION_LINES]:
        if not line.strip() or len(joined) > _MAX_LINE:
            return False
        joined = f"{joined} {line.strip()}".strip()
        if joined.endswith(":"):
            return len(joined) <= 2 * _MAX_LINE and _UNMARKED.match(joined) is not None
    return False


def answered(lines: Sequence[str], at: int) -> bool:
    """Whether a message that is answered begins at the line, without marks: by a separator or by header lines."""
    return _ANSWERED.match(lines[at].strip()[:_MAX_LINE]) is not None or header_lines(lines, at) > at


def forwarded(line: str) -> bool:
    """Whether the line says that a forwarded message follows."""
    return _FORWARDED.match(line.strip()[:_MAX_LINE]) is not None


def is_forward(subject: str) -> bool:
    """Whether a subject is that of a forwarded message ("Fwd:", "WG:")."""
    return _FORWARDING_SUBJECT.match(subject) is not None


def header_lines(lines: Sequence[str], start: int) -> int:
    """The line after a message's header lines ("From: … Sent: … To: … Subject: …", in any order, in many languages)
    that begin at `start`; `start` itself when there are none. Empty lines may lie between them."""
    if _label(lines[start]) is None:
        return start
    labels: set[str] = set()
    end, continued, blank = start, 0, False
    for number in range(start, min(start + _HEADER_LINES, len(lines))):
        label = _label(lines[number])
        if label is not None:
            labels.add(label)
            end, continued, blank = number + 1, 0, False
        elif not lines[number].strip():
            blank = True
        elif blank or continued == _CONTINUED_LINES:
            break
        else:
            continued += 1
    complete = "from" in labels and len(labels) >= 3 and ("date" in labels or "subject" in labels)
    return end if complete else start


def line_above(lines: Sequence[str], at: int) -> int:
    """The first line of what stands above header lines for the eye: a rule, and an empty line between."""
    for number in range(at - 1, max(at - 3, -1), -1):
        if _LINE_ABOVE.match(lines[number].strip()):
            return number
        if lines[number].strip():
            break
    return at


def _label(line: str) -> str | None:
    match = _LABEL.match(line[:_MAX_LINE])
    return None if match is None else _KIND_OF_LABEL.get(match[1].lower())
