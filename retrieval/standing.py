"""What a passage says of itself: that something is decided, only proposed, or refused.

It goes by the wording, sentence by sentence, in English and by the plainest German words. Questions ("have we
decided?") say nothing, and neither do conditions ("once it is approved").
"""

import re
from typing import Literal

from retrieval.duplicates import HEADER_LINES
from retrieval.facts import EMPHASIS

Standing = Literal["decided", "proposed", "rejected", "open"]

# "Status: Accepted", "this proposal was withdrawn": said of the whole passage, so it counts before all else. What is
# superseded has been decided.
_STATUS = re.compile(r"^[^\w\n]*status\W{1,4}(\w+)|\bthis \w+ (?:is|was|has been) (\w+)", re.MULTILINE)
_STATUSES: dict[str, Standing] = {
    **dict.fromkeys("decided accepted approved final active superseded replaced".split(), "decided"),
    **dict.fromkeys("beschlossen genehmigt".split(), "decided"),
    **dict.fromkeys("draft proposed pending deferred provisional entwurf vorgeschlagen".split(), "proposed"),
    **dict.fromkeys(
        "rejected withdrawn declined abandoned abgelehnt verworfen zurückgezogen".split(), "rejected"
    ),
}


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


# That something else holds from now on. Wherever it stands it is a decision, and it says that there was another one.
CHANGE = _any(
    r"\b(?:replaces|supersedes)\b[^.]{0,40}?(?:\b(?:version|decision|policy|plan|rules?|page|budget|order)\b|\d)",
    r"\b(?:replaces|supersedes)\b[^.]{0,40}?\b(?:earlier|old|proposal|agreement)\b",
    r"\b(?:is|are|was|were|been) (?:hereby )?(?:replaced|superseded) by\b",
    r"\b(?:revised|overruled|reversed|changed) (?:the|its|our|their|that) (?:\w+ ){0,3}?"
    r"(?:decision|plan|date|policy|budget|price|rule)s?\b",
    r"\bdecision (?:has changed|(?:was|has been) (?:revised|changed|reversed))\b",
    r"\b(?:is|are|was|were|been) (?:postponed|moved|put (?:back|off)|brought forward|extended|raised|lowered)\b",
    r"\b(?:is|are|was|were|been) (?:cancelled|called off)\b",
    r"\b(?:moves|postponed?|rises|falls|changes)\b(?:[^.,;]|[.,]\d){0,30}? to (?=\W?\d)|\bused to be \W?\d",
    r"\bis now(?: [^\W\d]+){0,3} \W?\d|\bnew (?:date|price|deadline|limit)\b",
    r"\bno longer (?:valid|applies|in force)\b|\b(?:verschoben|verlegt) auf\b|\bersetzt\b",
)
_DECIDED = _any(
    r"\bdecided\b(?! (?:against|not to))(?!(?<=is decided) by)|\bagreed\b|\bi approve\b|(?<!are )(?<!-)\bapproved\b",
    r"^\W*accepted\b|\b(?:was|were|is|been|we|council|board|committee|hereby) (?:\w+ly )?accepted\b",
    r"\bresolved (?:that|to)\b|\bsigned off\b|\b(?:is|was|been|we|we have) signed\b",
    r"\bwith immediate effect\b|\bwith effect from\b|\beffective (?:immediately|from)\b",
    r"\bfrom (?:now on|today)\b(?!')|\b(?:valid|in force|binding) (?:from|since|as of)\b",
    # "Decision (D-17): …", "2. Decisions"
    r"^\W*(?:\d+\W+)?(?:decisions?|beschl[uü]ss\w*)(?: [\w-]+| ?\([^)]*\))?\s*:|^\W*(?:\d+\W+)?decisions\W*$",
    r"\b(?:beschlossen|entschieden|genehmigt|vereinbart|freigegeben|ab sofort|gilt ab)\b",
)
_REJECTED = _any(
    r"\breject(?:ed|s)?\b|\bwithdr(?:awn|ew)\b|\b(?:voted|turned) down\b|\bvetoed\b|\bdecided (?:against|not to)\b",
    r"\b(?:was|were|been|is) declined\b|\bdeclined (?:to|the|by|our)\b",
    r"\b(?:was|were|is)(?: not|n't) (?:approved|accepted|adopted)\b(?! yet)",
    r"\b(?:abgelehnt|verworfen|zurückgezogen|dagegen entschieden|nicht genehmigt|nicht angenommen)\b",
)
_PROPOSED = _any(
    r"\b(?:counter-?)?propos(?:e|es|ed|als?|ing)\b|\bsuggest(?:s|ed|ions?)?\b|\bdraft\b|\bwe could(?! not)\b",
    r"\bunder discussion\b|\bto be (?:decided|agreed|approved|confirmed)\b|\blet(?:'s| us) decide\b",
    r"\bfor (?:your |the )?(?:approval|decision)\b|n't (?:yet )?(?:been )?(?:decided|agreed|approved)\b",
    r"\b(?:no|not|nothing|never|nobody)\b[^.,;]{0,30}?\b(?:decided|agreed|approved|decision)\b",
    r"\bvorschl(?:ag|agen|äge)\b|\bschlagen?\b[^.]* vor\b|\bentwurf\b|\bzur diskussion\b|\bwir könnten\b",
    r"\b(?:nichts?|kein\w*)\b[^.,;]{0,20}?\b(?:entschieden|beschlossen|entscheidung|beschluss)\b",
)
# What takes the force from a word that comes soon after it.
_BUT = _any(
    r"(?:\b(?:no|not|nothing|nobody|never|neither|yet|to|will|would|shall|should|can|could|may|might|must|if|once|"
    r"unless|until|whether|before|awaiting|let|what|how|nichts?|nie|noch|kein\w*|ob|wenn|falls|sobald|bis|soll\w*)\b"
    r"|n't\b)(?:\s+\w+){0,4}\s*$"
)
_RANKS: tuple[Standing, ...] = ("decided", "rejected", "proposed")
_SENTENCE = re.compile(r"(?<=[.!?])[\"'”’)]*\s+|\n\s*\n|\n(?=\s*(?:[-*|•]|\d+[.)])\s)")


def standing(text: str) -> Standing:
    """Whether a passage states a decision, a proposal or a refusal; "open" when it says none of them. A decision in it
    outweighs the rest: minutes tell what else was proposed. In a reply the subject does not count, as it is another
    message's."""
    text = EMPHASIS.sub("", own_words(text)).replace("’", "'").casefold()
    for status in _STATUS.finditer(text):
        if known := _STATUSES.get(status[1] or status[2]):
            return known
    found = {_of(" ".join(sentence.split())) for sentence in _SENTENCE.split(text)}
    return next((rank for rank in _RANKS if rank in found), "open")


def own_words(text: str) -> str:
    """A message's text without its header lines, but with its subject when it is the message's own; other texts as
    they are."""

    def subject(head: re.Match[str]) -> str:
        own = re.match(r"Subject: (?!(?:re|fwd?|aw|wg)\s*:)([^\n]*)", head[0], re.IGNORECASE)
        return f"{own[1]}\n\n" if own else ""

    return HEADER_LINES.sub(subject, text, count=1)


def _of(sentence: str) -> Standing:
    if sentence.endswith("?"):
        return "open"
    if _says(CHANGE, sentence) or _says(_DECIDED, sentence):
        return "decided"
    if _says(_REJECTED, sentence):
        return "rejected"
    return "proposed" if _PROPOSED.search(sentence) else "open"


def _says(pattern: re.Pattern[str], sentence: str) -> bool:
    """Whether the sentence has such words without a negation or a condition in front of them."""
    return any(not _BUT.search(sentence[: match.start()]) for match in pattern.finditer(sentence))
