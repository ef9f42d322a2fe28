"""When not to answer: how probable it is that the passages hold the answer at all.

Two numbers say different things. How near the best passage is to the question (cosine) tells questions about something
else; how probable it is that the model begins with a refusal tells passages that are near and do not answer. Neither is
good alone: a prompt that lets the model decide refuses a third of what it could answer.
"""

import math

# Logistic regression of "the documents hold the answer" on 190 public questions and, counted twice, the 40 over the
# sample documents (benchmarks/RESULTS.md).
_COSINE, _REFUSAL, _CONSTANT = 12.9, -0.43, -7.35
# Added to a probability before its logarithm is taken, which falls without end towards 0.
_FLOOR = 0.003
# Refuses 85 % of the public questions without an answer and 2 % of the others.
MIN_CONFIDENCE = 0.47


def confidence(cosine: float, refusal: float) -> float:
    """How probable (0 to 1) it is that the passages hold the answer, from the best hit's cosine to the question and the
    probability of a refusal."""
    return 1 / (1 + math.exp(-(_COSINE * cosine + _REFUSAL * math.log(refusal + _FLOOR) + _CONSTANT)))
