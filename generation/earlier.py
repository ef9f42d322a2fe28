"""What an answer replaced: a decision that held before the one that is cited, told and cited too."""

from dataclasses import replace
from datetime import date

from generation.context import Ranked
from generation.types import Citation, Sentence
from generation.verify import Checked
from retrieval.standing import CHANGE
from retrieval.types import Hit


def with_replaced(checked: Checked, ranked: Ranked) -> Checked:
    """The checked answer and, when a hit says what a cited one replaces, a sentence with its date and a citation of its
    most telling sentence. Which hit replaces which is the search's to say (`Hit.replaced_by`)."""
    cited = {hit.ref for hit in ranked.hits for citation in checked.citations if _holds(hit, citation)}
    older = next(
        (at for at, hit in enumerate(ranked.hits) if hit.replaced_by in cited and hit.info.date), None
    )
    if older is None:
        return checked
    hit = ranked.hits[older]
    its = [at for at, candidate in enumerate(ranked.candidates) if candidate.hit == older]
    # A note that was put there later, "revised on 29 July", is not what was replaced.
    own = [at for at in its if not CHANGE.search(ranked.candidates[at].unit.text.casefold())]
    unit = ranked.candidates[max(own or its, key=lambda at: ranked.scores[at])].unit
    start, end = unit.start, unit.end
    citation = Citation(
        n=len(checked.citations) + 1, ref=f"{hit.ref.partition(':')[0]}:{start}-{end}", info=hit.info, start=start,
        end=end, quote=hit.text[start - hit.start : end - hit.start], heading=hit.heading, page=hit.page,
    )  # fmt: skip
    day = date.fromisoformat((hit.info.date or "")[:10])
    text = f"It replaces what was said on {day.day} {day:%B %Y}."
    return replace(
        checked,
        text=f"{checked.text} {text[:-1]} [{citation.n}].",
        sentences=(*checked.sentences, Sentence(text, (citation.n,), supported=True)),
        citations=(*checked.citations, citation),
    )


def _holds(hit: Hit, citation: Citation) -> bool:
    same = hit.ref.partition(":")[0] == citation.ref.partition(":")[0]
    return same and hit.start <= citation.start and citation.end <= hit.end
