"""`kb config`: the settings, and where each came from."""

import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from kb.options import Json
from kb.terminal import console, print_json, width

_EXAMPLES = """\b
Examples:
  kb config show
  kb config set model qwen2.5-coder-0.5b"""

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, epilog=_EXAMPLES,
    help="Show or change the settings: kb, model, k, color, keys. Options and the environment are stronger.",
)  # fmt: skip

# The environment variables that are stronger than a setting.
_VARIABLES = {"kb": "KB_HOME", "color": "NO_COLOR"}


@app.command(epilog=_EXAMPLES)
def show(as_json: Json = False) -> None:
    """Show each setting, its value and where that is from."""
    from kb.render import wrapped
    from kb.settings import KEYS, settings, settings_file
    from retrieval.text import one_line

    file = settings_file()
    rows = {}
    for key, value in asdict(settings()).items():
        variable = _VARIABLES.get(key, "")
        if os.environ.get(variable):
            rows[key] = {"value": os.environ[variable], "from": variable}
        else:
            rows[key] = {"value": value, "from": "default" if value is None else str(file)}
    if as_json:
        print_json({"file": str(file), "settings": rows})
        return
    out = console()
    for key, row in rows.items():
        shown = "-" if row["value"] is None else one_line(str(row["value"]))
        out.print(f"{key:<6} {shown}", style="" if row["value"] is None else "bold", soft_wrap=True)
        source = "the settings file" if row["from"] == str(file) else one_line(str(row["from"]))
        out.print(
            wrapped(f"{KEYS[key]} · from: {source}", " " * 7, width(sys.stdout)), style="dim", soft_wrap=True
        )
    out.print(f"settings file: {one_line(str(file))}", soft_wrap=True)


@app.command("set", epilog=_EXAMPLES)
def change(
    key: Annotated[str, typer.Argument(help="kb, model, k, color or keys.")],
    value: Annotated[str, typer.Argument(help="What it is to be; '' goes back to the default.")],
) -> None:
    """Change a setting."""
    from kb.settings import set_value
    from kb.terminal import say

    file = set_value(key, value)
    say(f"{key} {f'is {value}' if value else 'is back to its default'} now, in {file}")
