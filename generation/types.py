"""What comes out of a question: an answer whose sentences are tied to spans of documents."""

from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

from generation.stop import Stop
from retrieval.types import DocumentInfo, Hit, source_json

Status = Literal["answered", "not_found"]
# Where the model runs: in this process, or behind an endpoint.
Tier = Literal["local", "endpoint"]
Prompt = TypeVar("Prompt", bound=Sized)


@dataclass(frozen=True, slots=True)
class Piece:
    """The next text of a completion, how many tokens have been made so far, and the least probability (0 to 1) that a
    token of this text had; 1 where that is not known."""

    text: str
    tokens: int
    probability: float = 1.0


class LanguageModel(Protocol[Prompt]):
    """What answers need of a model. A prompt is as long as its tokens."""

    @property
    def name(self) -> str: ...
    @property
    def tier(self) -> Tier: ...
    def count(self, text: str) -> int: ...
    def prompt(self, system: str, user: str) -> Prompt: ...
    def complete(
        self,
        prompt: Prompt,
        max_tokens: int,
        may_begin: Callable[[float], bool] = ...,
        stop: Stop | None = None,
    ) -> Iterator[Piece]: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Citation:
    """`quote` is `text[start:end]` of the document that `ref` names, character for character.

    `n` is its number in the answer. `verified` is False when the figures, names and dates of a sentence
    that cites it are not in the quote.
    """

    n: int
    ref: str
    info: DocumentInfo
    start: int
    end: int
    quote: str
    heading: tuple[str, ...] = ()
    page: int | None = None
    verified: bool = True

    def to_json(self) -> dict[str, Any]:
        """The citation as the commands' JSON contract has it."""
        return (
            {"n": self.n, "ref": self.ref}
            | source_json(self)
            | {
                "quote": self.quote,
                "verified": self.verified,
            }
        )


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the answer, without its marks, and the citation numbers it rests on."""

    text: str
    cites: tuple[int, ...]
    supported: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The checked answer. `text` carries `[n]` marks; for `not_found` it says so in words and
    `citations` is empty. `confidence` is how probable (0 to 1) it is that the documents hold the answer; where the
    model was not asked, the most that it can be. `escalated` when the first draft did not do; `looked_for` are names
    from the first passages that were looked for as well. `tier` says where the model runs. Timings are milliseconds
    from the start of the call."""

    question: str
    status: Status
    text: str
    citations: tuple[Citation, ...]
    sentences: tuple[Sentence, ...]
    hits: tuple[Hit, ...]
    model: str
    why: str
    confidence: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    escalated: bool = False
    looked_for: tuple[str, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)
    tier: Tier = "local"

    def to_json(self) -> dict[str, Any]:
        """The answer as the commands' JSON contract has it."""
        return {
            "question": self.question,
            "status": self.status,
            "answer": self.text,
            "confidence": None if self.confidence is None else round(self.confidence, 3),
            "citations": [citation.to_json() for citation in self.citations],
            "sentences": [
                {"text": s.text, "cites": list(s.cites), "supported": s.supported} for s in self.sentences
            ],
            "hits": [hit.to_json() for hit in self.hits],
            "route": {
                "tier": self.tier,
                "model": self.model,
                "escalated": self.escalated,
                "looked_for": list(self.looked_for),
                "why": self.why,
            },
            "usage": {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens},
            "timings_ms": {name: round(ms, 1) for name, ms in self.timings_ms.items()},
        }


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Event: the passages are there; the model has not begun. `searched` is the text that they were found with: the
    question, or what makes a follow-up stand alone. A second one, with what was `looked_for` beside the question,
    takes the place of the first."""

    hits: tuple[Hit, ...]
    searched: str
    looked_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """Event: the next piece of the draft, not yet checked."""

    text: str


Event = Retrieved | Token | Answer


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question of a conversation with its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Passage:
    """What of a hit goes into the prompt under number `n`: spans of its document, in order, and their text as the
    model reads it."""

    n: int
    hit: Hit
    spans: tuple[tuple[int, int], ...]
    text: str
