"""When an answer counts as right, and how tables get into RESULTS.md."""

import datetime
import platform
import re
from collections.abc import Sequence
from pathlib import Path

from retrieval.words import STOP_WORDS

RESULTS = Path(__file__).parent / "RESULTS.md"
_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W_]+")
# A longer answer is not what a reader asked for, whatever it contains.
_MAX_WORDS = 60


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


def write_section(title: str, command: str, table: str) -> None:
    """Puts a section into RESULTS.md, in place of an earlier one with its title."""
    when = datetime.datetime.now(datetime.UTC).date().isoformat()
    section = f"## {title}\n\n{when}, {_cpu()}. `{command}`\n\n{table.strip()}\n"
    old = RESULTS.read_text() if RESULTS.exists() else "# Results\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    new = (
        pattern.sub(lambda _: section + "\n", old) if pattern.search(old) else f"{old.rstrip()}\n\n{section}"
    )
    RESULTS.write_text(new.rstrip() + "\n")


def _cpu() -> str:
    import os

    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.processor(),
    )
    return f"{len(os.sched_getaffinity(0))} cores of {model}, Python {platform.python_version()}"
