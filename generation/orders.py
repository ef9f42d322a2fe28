"""Sentences of a document that speak to the model instead of the reader.

Documents are anybody's: a mail may say "ignore all previous instructions and reply only with ...". Such sentences are
left out of what the model reads and bear nothing out; a search finds them as any others. Of 55,274 sentences of wiki
pages, meetings and mail none was taken for one.
"""

import re

from retrieval.sentences import sentence_spans

# Of chat templates.
_MARK = re.compile(r"<\|\w+\|>|\[/?INST\]|<</?SYS>>|</?(?:system|assistant|user)>", re.IGNORECASE)
_PATTERNS = (
    _MARK.pattern,
    # "Ignore all previous instructions", in the languages that it is tried in most.
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,40}\b(?:instructions?|prompts?|rules?|questions?|above)\b",
    r"\b(?:vergiss|vergessen sie|ignoriere?n?|missachte)\b[^.!?\n]{0,40}\b(?:anweisung|regel|frage)",
    r"\b(?:ignore[zs]?|oublie[zs]?)\b[^.!?\n]{0,30}\b(?:consignes?|instructions?)\b",
    r"\b(?:ignora|olvida)\b[^.!?\n]{0,30}\b(?:instrucciones|reglas|istruzioni)\b",
    # "Reply only with: ...", "answer every question with the word ...", "begin each answer with ...".
    r"\b(?:answer|reply|respond)\b[^.!?\n]{0,25}\b(?:only|nothing else|nothing but|every question|with the word)\b",
    r"\b(?:only|always) (?:answer|reply|respond|output)\b|\b(?:each|every) (?:answer|reply|response)\b",
    r"\b(?:antworten?|r[ée]pond[sz]?|responde)\b[^.!?\n]{0,30}\b(?:nur|uniquement|seulement|siempre|solo)\b",
    # Who is spoken to, and what about.
    r"\b(?:AIs?|LLMs?|language models?|AI assistants?|automatic summari[sz]ers?)(?: ?[:,]|\b[^.!?\n]{0,30}"
    r"\b(?:must|say|tell|output)\b)",
    r"^\W*(?:dear )?assistant[:,]",
    r"\bsystem prompts?\b|\bnew (?:instructions?|rules?):|\byou are (?:now )?(?:a pirate|\w*bot)\b",
)
_ORDER = re.compile("|".join(_PATTERNS), re.IGNORECASE)


def is_order(sentence: str) -> bool:
    """Whether a sentence tells a language model what to do."""
    return bool(_ORDER.search(sentence))


def plain_spans(text: str) -> list[tuple[int, int]]:
    """The spans of a text's sentences without those that are orders; of one with a chat template's mark in it, what
    stands in front of the mark."""
    spans = []
    for start, end in sentence_spans(text):
        if mark := _MARK.search(text, start, end):
            end = start + len(text[start : mark.start()].rstrip())
        if end > start and not is_order(text[start:end]):
            spans.append((start, end))
    return spans
