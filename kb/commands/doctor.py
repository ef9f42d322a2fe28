"""`kb doctor`: looks whether all is well, and says what to do."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from kb.options import Json, KbFolder, ModelName
from kb.terminal import console, print_json, width

if TYPE_CHECKING:
    from kb.doctor import Finding

_EXAMPLES = """\b
Examples:
  kb doctor
  kb doctor --full --json"""
# Below the name of what was looked at.
_INDENT = " " * 6


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("doctor", epilog=_EXAMPLES)(doctor)


def doctor(
    folder: KbFolder = None,
    model: ModelName = None,
    full: Annotated[bool, typer.Option("--full", help="Hash the models, too (some seconds).")] = False,
    as_json: Json = False,
) -> None:
    """Check the knowledge base, its indexes, the models and this machine; exit code 1 when something is to be done."""
    from kb.catalogue import DEFAULT_LLM
    from kb.doctor import examine

    findings = []
    for finding in examine(folder, model=model or DEFAULT_LLM, full=full):
        findings.append(finding)
        if not as_json:
            _print(finding)
    bad = sum(not finding.good for finding in findings)
    if as_json:
        print_json({"good": not bad, "findings": [finding.to_json() for finding in findings]})
    else:
        console().print(
            f"{bad} of {len(findings)} need something done" if bad else "all is well", style="bold"
        )
    if bad:
        raise typer.Exit(1)


def _print(finding: "Finding") -> None:
    """What was looked at and how it is; below it what to do."""
    from rich.text import Text

    from kb.render import wrapped
    from retrieval.text import one_line

    columns = width(sys.stdout)
    text = Text()
    text.append("good  " if finding.good else "BAD   ", style="green" if finding.good else "bold red")
    text.append(one_line(finding.name), style="bold")
    says = wrapped(one_line(finding.says), _INDENT, columns)
    # On one line where that fits, or nobody looks.
    fits = columns is None or len(text.plain) + 2 + len(says.strip()) <= columns
    text.append(f": {says.strip()}" if fits else f"\n{says}")
    if not finding.good:
        advice = wrapped(one_line(f"-> {finding.advice}"), _INDENT, columns)
        text.append(
            f"  {advice.strip()}" if columns is None else f"\n{advice}",
            style="" if columns is None else "bold",
        )
    console().print(text, soft_wrap=True)
