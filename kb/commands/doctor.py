"""`kb doctor`: looks whether all is well, and says what to do."""

from typing import Annotated

import typer

from kb.options import Json, KbFolder, ModelName
from kb.terminal import console, print_json

_EXAMPLES = """\b
Examples:
  kb doctor
  kb doctor --full --json"""


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
    from retrieval.text import one_line

    findings = []
    for finding in examine(folder, model=model or DEFAULT_LLM, full=full):
        findings.append(finding)
        if not as_json:
            mark = "good" if finding.good else "BAD "
            advice = "" if finding.good else f"  -> {finding.advice}"
            console().print(one_line(f"{mark} {finding.name}: {finding.says}{advice}"), soft_wrap=True)
    well = all(finding.good for finding in findings)
    if as_json:
        print_json({"good": well, "findings": [finding.to_json() for finding in findings]})
    if not well:
        raise typer.Exit(1)
