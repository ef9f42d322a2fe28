"""Making text safe to store, print and put into a prompt."""

import re

# C0 and C1 controls but tab and newline (they drive terminals), the bidirectional embeddings, overrides
# and isolates (they reorder what a reader sees, https://trojansource.codes), soft hyphens, the byte order
# mark, and lone surrogates (not encodable as UTF-8).
_UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_NEWLINES = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def clean(text: str) -> str:
    """`text` with newlines as `\\n` and without characters that act on a terminal or hide text.

    Idempotent; every document text, title and name passes through it before anything else sees it.
    """
    return _UNSAFE.sub("", _NEWLINES.sub("\n", text))


def escaped(json_text: str) -> str:
    """JSON with what `clean` would take away as `\\uXXXX`, which means the same."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", json_text)


def one_line(text: str) -> str:
    """`clean` text on one line, runs of white space as single spaces."""
    return " ".join(clean(text).split())
