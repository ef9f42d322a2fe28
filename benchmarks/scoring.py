"""How tables get into RESULTS.md."""

import datetime
import platform
import re
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"


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
