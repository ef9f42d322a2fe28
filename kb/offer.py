"""Models that are missing are fetched when a person says so, never silently."""

import sys
from collections.abc import Sequence

from kb.catalogue import CATALOGUE, Model
from kb.model_store import ModelStore
from kb.terminal import can_ask, console, is_terminal, say
from retrieval.errors import ModelError


def offer_missing(names: Sequence[str]) -> None:
    """Asks whether to fetch those of the named models that are not on this machine. Raises ModelError, with the
    command to run, when there is nobody to ask or the answer is no."""
    store = ModelStore()
    missing = store.missing(names)
    if not missing:
        return
    wanted = ", ".join(f"{model.name} ({size(model.bytes)})" for model in missing)
    command = f"kb models pull {' '.join(model.name for model in missing)}"
    if not can_ask():
        raise ModelError(f"not on this machine yet: {wanted}. Run: {command}")
    import typer

    if not typer.confirm(f"Not on this machine yet: {wanted}. Fetch now?", default=True, err=True):
        raise ModelError(f"this needs {wanted}. Run: {command}")
    for model in missing:
        pull_with_progress(store, model.name)


def pull_with_progress(store: ModelStore, name: str) -> None:
    """Fetches a model with a progress bar on stderr, or a line now and then when that is no terminal."""
    model = CATALOGUE.get(name)
    if is_terminal(sys.stderr):
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), DownloadColumn(),
            TimeRemainingColumn(),
        )  # fmt: skip
        with Progress(*columns, console=console(sys.stderr)) as bar:
            task = bar.add_task(name, total=model.bytes if model else None)
            store.pull(name, lambda done, total: bar.update(task, completed=done, total=total))
        return
    say(f"fetching {_described(name, model)}")
    told = 0

    def tell(done: int, total: int) -> None:
        nonlocal told
        if done * 4 // max(total, 1) > told:
            told = done * 4 // total
            say(f"{name}: {size(done)} of {size(total)}")

    store.pull(name, tell)


def size(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _described(name: str, model: Model | None) -> str:
    return f"{name} ({size(model.bytes)}, {model.licence})" if model else name
