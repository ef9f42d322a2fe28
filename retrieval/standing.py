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


def _any(*words: str, other: str = "") -> re.Pattern[str]:
    """What begins with a word, or something else. One mark of a word's beginning in front of all is twice as fast as
    one in front of each."""
    return re.compile(rf"\b(?:{'|'.join(words)}){'|' if other else ''}{other}")


# That something else holds from now on. Wherever it stands it is a decision, and it says that there was another one.
CHANGE = _any(
    r"(?:replaces|supersedes)\b[^.]{0,40}?(?:\b(?:version|decision|policy|plan|rules?|page|budget|order)\b|\d)",
    r"(?:replaces|supersedes)\b[^.]{0,40}?\b(?:earlier|old|proposal|agreement)\b",
    r"(?:is|are|was|were|been) (?:hereby )?(?:replaced|superseded) by\b",
    r"(?:revised|overruled|reversed|changed) (?:the|its|our|their|that) (?:\w+ ){0,3}?"
    r"(?:decision|plan|date|policy|budget|price|rule)s?\b",
    r"decision (?:has changed|(?:was|has been) (?:revised|changed|reversed))\b",
    r"(?:is|are|was|were|been) (?:postponed|moved|put (?:back|off)|brought forward|extended|raised|lowered)\b",
    r"(?:is|are|was|were|been) (?:cancelled|called off)\b",
    r"(?:moves|postponed?|rises|falls|changes)\b(?:[^.,;]|[.,]\d){0,30}? to (?=\W?\d)|used to be \W?\d",
    r"is now(?: [^\W\d]+){0,3} \W?\d|new (?:date|price|deadline|limit)\b",
    r"no longer (?:valid|applies|in force)\b|(?:verschoben|verlegt) auf\b|ersetzt\b",
)
_DECIDED = _any(
    r"decided\b(?! (?:against|not to))(?!(?<=is decided) by)|agreed\b|i approve\b",
    r"(?:was|were|is|been|we|council|board|committee|hereby) (?:\w+ly )?accepted\b",
    r"resolved (?:that|to)\b|signed off\b|(?:is|was|been|we|we have) signed\b",
    r"with immediate effect\b|with effect from\b|effective (?:immediately|from)\b",
    r"from (?:now on|today)\b(?!')|(?:valid|in force|binding) (?:from|since|as of)\b",
    r"(?:beschlossen|entschieden|genehmigt|vereinbart|freigegeben|ab sofort|gilt ab)\b",
    other=r"(?<!are )(?<!-)\bapproved\b"
    r"|^\W*accepted\b"
    # "Decision (D-17): …", "2. Decisions"
    r"|^\W*(?:\d+\W+)?(?:decisions?|beschl[uü]ss\w*)(?: [\w-]+| ?\([^)]*\))?\s*:"
    r"|^\W*(?:\d+\W+)?decisions\W*$",
)
_REJECTED = _any(
    r"reject(?:ed|s)?\b|withdr(?:awn|ew)\b|(?:voted|turned) down\b|vetoed\b|decided (?:against|not to)\b",
    r"(?:was|were|been|is) declined\b|declined (?:to|the|by|our)\b",
    r"(?:was|were|is)(?: not|n't) (?:approved|accepted|adopted)\b(?! yet)",
    r"(?:abgelehnt|verworfen|zurückgezogen|dagegen entschieden|nicht genehmigt|nicht angenommen)\b",
)
_PROPOSED = _any(
    r"(?:counter-?)?propos(?:e|es|ed|als?|ing)\b|suggest(?:s|ed|ions?)?\b|draft\b|we could(?! not)\b",
    r"under discussion\b|to be (?:decided|agreed|approved|confirmed)\b|let(?:'s| us) decide\b",
    r"for (?:your |the )?(?:approval|decision)\b",
    r"(?:no|not|nothing|never|nobody)\b[^.,;]{0,30}?\b(?:decided|agreed|approved|decision)\b",
    r"vorschl(?:ag|agen|äge)\b|schlagen?\b[^.]* vor\b|entwurf\b|zur diskussion\b|wir könnten\b",
    r"(?:nichts?|kein\w*)\b[^.,;]{0,20}?\b(?:entschieden|beschlossen|entscheidung|beschluss)\b",
    other=r"n't (?:yet )?(?:been )?(?:decided|agreed|approved)\b",
)
# What takes the force from a word that comes soon after it.
_BUT = re.compile(
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
