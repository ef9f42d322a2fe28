"""English function words and question words: in a question they say nothing about where the answer is."""

STOP_WORDS = frozenset(
    "a about after all also am an and any are as at be because been before being but by can could did do "
    "does doing for from had has have having he her here hers him his how i if in into is it its me my no "
    "not of on or our ours she should so some such than that the their theirs them then there these they "
    "this those to too us was we were what when where which while who whom whose why will with would you "
    "your yours".split()
)
