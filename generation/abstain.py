"""When not to answer: one rule over two numbers that say different things.

How near the best passage is to the question (cosine) tells questions about something else; how probable it is that
the model begins with a refusal tells passages that are near and do not answer. Neither is good alone: a prompt that
lets the model decide refuses a third of what it could answer.
"""

# Below this cosine of the best hit the model is not even asked.
MIN_COSINE = 0.33
# Refuse above this probability of a refusal, for a passage as near as can be and for one at MIN_COSINE; in between
# the line is straight. Set by hand on a few development questions, not yet fitted.
_LIMIT_NEAR, _LIMIT_FAR = 0.5, 0.02
_NEAR_COSINE = 0.75


def refusal_limit(cosine: float) -> float:
    """The probability of a refusal (0 to 1) from which on the answer is "not found", given the best hit's cosine."""
    share = (min(max(cosine, MIN_COSINE), _NEAR_COSINE) - MIN_COSINE) / (_NEAR_COSINE - MIN_COSINE)
    return _LIMIT_FAR + share * (_LIMIT_NEAR - _LIMIT_FAR)
