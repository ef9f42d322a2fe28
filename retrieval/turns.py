"""Who speaks in a transcript: lines that begin with a name and a colon."""

import re
from collections import Counter
from collections.abc import Iterator

_TURN = re.compile(r"^(?:\*\*|__)?([^\W\d_][\w .,'’()&/-]{0,60}?):(?:\*\*|__)?(?=\s|$)", re.MULTILINE)
# Marks of a transcriber for what is no speech: "{vocalsound}", "[laughter]".
_MARK = re.compile(r"[{\[]\w[\w -]{0,24}[}\]]")
_WORD = re.compile(r"\w{3,}")
# A document with this many turns, in this share of its lines, is a transcript.
_MIN_TURNS, _MIN_SHARE = 6, 0.25
# A turn with fewer words than this says nothing by itself ("Mm-hmm.", "Yeah, OK.").
_MIN_WORDS = 3


def turns(text: str) -> Iterator[tuple[int, str]]:
    """The turns that begin in `text`: (offset, name of the speaker)."""
    for match in _TURN.finditer(text):
        yield match.start(), match[1]


def is_transcript(text: str) -> bool:
    """Whether a document is mostly what people said in turn, and not a log whose entries all have a "Status:"."""
    names = Counter(name for _, name in turns(text))
    lines = sum(1 for line in text.splitlines() if line.strip())
    # Who takes part in a conversation speaks again.
    speakers = sum(1 for count in names.values() if count > 1)
    return names.total() >= max(_MIN_TURNS, _MIN_SHARE * lines) and speakers > 1


def substance(text: str) -> str:
    """A passage of a transcript without the turns that say nothing and the marks of the transcriber; the passage as it
    is when nothing else is in it."""
    kept = []
    for line in text.splitlines():
        label = _TURN.match(line)
        said = _MARK.sub(" ", line[label.end() :] if label else line)
        if len(_WORD.findall(said)) >= _MIN_WORDS:
            kept.append(f"{label[1]}: {' '.join(said.split())}" if label else " ".join(said.split()))
    return "\n".join(kept) or text
