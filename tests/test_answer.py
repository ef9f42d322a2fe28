"""What becomes of a draft: a model that writes what each test says, so that every way to an answer or none is gone.

The model here is the only part that is not real; tests/test_ask.py has the whole path with real ones.
"""

from collections.abc import Callable, Iterator, Sequence

import pytest
from helpers import bag_of_words, hit, info

from generation.answer import NOT_FOUND_TEXT, Answerer
from generation.stop import Stop
from generation.types import Answer, Piece, Token, Turn
from retrieval.types import Hit

LOG = hit(
    "The repair of the pump cost 395 euros in May. The pump was old. Growers bring their own oil. Dana approved it.",
    info("log.md", title="Repair log"),
)
OTHER = hit("The green shed cost us 200 euros.", info("shed.md", title="Shed"), rank=2, ref="def", score=0.9)
FAR = hit("Nothing.", info("far.md", title="Far"), rank=3, ref="fed", score=0.1)
QUESTION = "How much did the repair of the pump cost?"
Written = Sequence[tuple[str, float]]


class Scripted:
    """Writes one text after the other, piece by piece, each with its probability."""

    name, tier = "scripted", "local"

    def __init__(self, *texts: Written) -> None:
        self._texts = list(texts)

    def count(self, text: str) -> int:
        return len(text.split())

    def prompt(self, system: str, user: str) -> list[str]:
        return f"{system} {user}".split()

    def complete(
        self,
        prompt: list[str],
        max_tokens: int,
        may_begin: Callable[[float], bool] = lambda refusal: True,
        stop: Stop | None = None,
    ) -> Iterator[Piece]:
        if may_begin(0.0):
            for made, (text, probability) in enumerate(self._texts.pop(0), start=1):
                yield Piece(text, made, probability)

    def close(self) -> None: ...


def answered(
    *texts: Written, hits: Sequence[Hit] = (LOG,), question: str = QUESTION, history: Sequence[Turn] = ()
) -> Answer:
    answerer = Answerer(lambda: Scripted(*texts), bag_of_words)  # type: ignore[arg-type,return-value]
    *tokens, answer = answerer.answer(question, hits, history=history)
    assert all(isinstance(token, Token) for token in tokens) and isinstance(answer, Answer)
    return answer


def test_what_the_source_says_is_answered_with_its_quote() -> None:
    answer = answered([("The repair of the pump cost 395 euros.", 0.9)])
    assert answer.text == "The repair of the pump cost 395 euros [1]."
    assert answer.citations[0].quote == "The repair of the pump cost 395 euros in May."


def test_an_answer_over_which_the_model_wavered_is_not_given() -> None:
    """Of two figures on a page it took one; that it was the other would look as proven."""
    answer = answered([("The repair of the pump cost", 0.9), (" 395", 0.1), (" euros.", 0.9)])
    assert (answer.status, answer.text) == ("not_found", NOT_FOUND_TEXT)
    assert "not sure of its words (0.10, needs 0.15)" in answer.why


def test_a_sentence_that_is_not_shown_does_not_count() -> None:
    answer = answered(
        [("The repair of the pump cost 395 euros.", 0.9), (" The pump was old.", 0.9), (" Oil", 0.1)]
    )
    assert answer.status == "answered", answer.why


def test_a_wavering_second_look_gives_way_to_the_sources_own_sentence() -> None:
    first = [("The repair of the pump did cost.", 0.9)]
    answer = answered(first, [("The repair of the pump cost", 0.9), (" 395", 0.1), (" euros.", 0.9)])
    assert answer.status == "answered" and answer.escalated, answer.why
    assert answer.text == "The repair of the pump cost 395 euros in May [1]."


def test_another_document_that_is_not_about_the_question_does_not_answer_it() -> None:
    answer = answered([("The green shed cost 200 euros.", 0.9)], hits=(LOG, OTHER, FAR))
    assert answer.status == "not_found"
    assert "another document" in answer.why


@pytest.mark.parametrize(
    "before", [[], [Turn("What about the repair of the pump?", "The repair was in May.")]]
)
def test_the_words_of_the_conversation_need_no_proof(before: list[Turn]) -> None:
    """ "Who approved it?" is best answered with what "it" is."""
    draft = [("The repair of", 0.9), (" the pump", 0.1), (" was approved by Dana.", 0.9)]
    answer = answered(draft, question="Who approved it in May?", history=before)
    assert (answer.status == "answered") == bool(before), answer.why
