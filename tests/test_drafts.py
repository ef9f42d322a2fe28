"""Drafts that are kept for benchmarks are what the model would write: else a figure would be of another program."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import SMALL_MODEL, model_path

from benchmarks.drafts import kept_drafts
from generation.llm import LocalModel
from generation.prompt import SYSTEM


@pytest.fixture(scope="module")
def model() -> Iterator[LocalModel]:
    loaded = LocalModel(model_path(SMALL_MODEL))
    yield loaded
    loaded.close()


def test_a_draft_is_written_once_and_is_the_same_after(
    model: LocalModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = model.prompt(SYSTEM, "Source: Log\nThe repair cost 395 EUR.\n\nQuestion: What did it cost?")
    list(model.complete(prompt, 20))  # what is read at once and what is read again differ in the last digits
    written, told = list(model.complete(prompt, 20)), []
    with kept_drafts(tmp_path / "drafts"):
        assert list(model.complete(prompt, 20, lambda refusal: told.append(refusal) or True)) == written

    def never(*_: object) -> None:
        raise AssertionError("the model was asked again")

    monkeypatch.setattr(LocalModel, "complete", never)
    with kept_drafts(tmp_path / "drafts"):
        assert list(model.complete(prompt, 20, lambda refusal: told.append(refusal) or True)) == written
        assert list(model.complete(prompt, 20, lambda refusal: False)) == []
    assert told[0] == pytest.approx(told[1])


def test_what_was_not_begun_is_written_when_it_may_be(model: LocalModel, tmp_path: Path) -> None:
    """Where confidence is judged otherwise later, a refusal must not stay one."""
    prompt = model.prompt(SYSTEM, "Source: Log\nThe repair cost 395 EUR.\n\nQuestion: Who paid?")
    with kept_drafts(tmp_path / "drafts"):
        assert list(model.complete(prompt, 5, lambda refusal: False)) == []
        assert list(model.complete(prompt, 5, lambda refusal: True))
