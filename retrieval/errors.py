"""Everything that can go wrong on purpose, in one screen.

KbError                      base: `str(error)` is one clear sentence for a person
├── UsageError               the caller asked for something impossible (exit code 2)
├── StoreError               the knowledge base cannot be used (exit code 3)
│   ├── StoreMissing         there is none at that place yet
│   ├── StoreBusy            another process is writing to it
│   └── EmbedderMismatch     it was built with another embedding model
├── ModelError               a model is missing, damaged or unusable (exit code 3)
└── LoadError                one document could not be read; others are unharmed

A message says what happened, where, and what to do now.
"""


class KbError(Exception):
    """Base of all errors that are shown to a person as one sentence, without a traceback."""


class UsageError(KbError):
    """The request itself cannot be carried out."""


class StoreError(KbError):
    """The knowledge base on disk is missing or unusable."""


class StoreMissing(StoreError):
    """No knowledge base has been made at this place."""


class StoreBusy(StoreError):
    """Another process holds the writer's lock."""


class EmbedderMismatch(StoreError):
    """The stored vectors come from another embedding model than the one configured."""


class ModelError(KbError):
    """A model is missing, damaged or cannot be loaded."""


class LoadError(KbError):
    """One document could not be read."""
