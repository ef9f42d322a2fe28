"""kb beside others: the same documents, questions, models and machine, in one run."""
