"""What a person sees of the commands before using them."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from helpers import kb

from kb.main import app

ROOT = typer.main.get_command(app)


def commands(command: Any = ROOT, name: str = "kb") -> Iterator[tuple[str, Any]]:
    yield name, command
    for child, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {child}")


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command is not ROOT])
def test_each_command_has_two_examples_that_could_be_run(name: str) -> None:
    """An example with an option that is no longer there teaches the wrong thing."""
    epilog = COMMANDS[name].epilog or ""
    examples = [line.strip() for line in epilog.splitlines() if line.startswith("  kb ")]
    assert len(examples) == 2, epilog
    for example in examples:
        for part in example.split(" && "):
            arguments = [word.strip('"') for word in part.split("<")[0].split()[1:]]
            command = ROOT
            while arguments and arguments[0] in getattr(command, "commands", {}):
                command = command.commands[arguments.pop(0)]
            assert command is not ROOT
            known = {option for parameter in command.params for option in parameter.opts}
            assert {word for word in arguments if word.startswith("--")} <= known, part


@pytest.mark.parametrize("name", list(COMMANDS))
@pytest.mark.parametrize("columns", ["40", "200"])
def test_help_fits_narrow_and_wide_windows(name: str, columns: str) -> None:
    command = COMMANDS[name]
    context = command.context_class(command, info_name=name, terminal_width=int(columns))
    lines = command.get_help(context).splitlines()
    # Names, and the examples as they are to be typed, are never cut.
    long = [line for line in lines if len(line) > int(columns) and not line.strip().startswith("kb ")]
    assert not [line for line in long if " " in line.strip()], long


def test_the_shell_completes_commands_and_options() -> None:
    done = kb(environment={"_KB_COMPLETE": "complete_bash", "COMP_WORDS": "kb sta", "COMP_CWORD": "1"})
    assert done.stdout.split() == ["status"]
    done = kb(environment={"_KB_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "kb ask --k"})
    assert "--kind" in done.stdout and "--kb" in done.stdout
    assert "_KB_COMPLETE" in kb("--show-completion", "bash").stdout


def test_help_is_there_at_once() -> None:
    """0.3 s on two cores, most of it Python's own start; what would make it slow is an import."""
    code = "import sys, kb.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"numpy", "rich", "prompt_toolkit", "lxml", "fastapi", "yaml", "markdown_it"}
