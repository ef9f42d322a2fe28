"""Loading the language model in a thread, so that passages are looked up meanwhile."""

import glob
import hashlib
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import ModelError

if TYPE_CHECKING:
    from generation.types import LanguageModel


class Loading:
    """A language model that a thread is loading: a GGUF file, or without one the endpoint that `name` is. `states` is
    the folder for what a model has read of every prompt, for the next process."""

    def __init__(self, name: str, path: Path | None, states: Path) -> None:
        self.name = name
        self._path = path
        self._states = states
        self._model: LanguageModel[Any] | None = None
        self._error: Exception | None = None
        self._closing = False
        # Waited for in place of the thread: a join that Ctrl-C interrupts takes the thread for ended.
        self._done = threading.Event()
        threading.Thread(target=self._load, daemon=True).start()

    def _load(self) -> None:
        try:
            self._model = self._endpoint() if self._path is None else self._local(self._path)
        except Exception as error:  # noqa: BLE001  (raised again in the thread that asks for the model)
            self._error = error
        finally:
            self._done.set()

    def _endpoint(self) -> "LanguageModel[Any]":
        from generation.endpoint import EndpointModel

        return EndpointModel(self.name)

    def _local(self, path: Path) -> "LanguageModel[Any]":
        from generation.llm import LocalModel
        from generation.prompt import SYSTEM

        model = LocalModel(path)
        if not self._closing:
            tokens = model.prompt(SYSTEM, "")[:-8]
            model.warm(tokens, self._state_of(path, tokens))
        return model

    def _state_of(self, path: Path, tokens: Sequence[int]) -> Path:
        """The file for the state of this model, as it is on disk and in this version of llama.cpp, after these tokens.
        Those of its earlier versions go."""
        import llama_cpp

        status = path.stat()
        about = (str(path.resolve()), status.st_size, status.st_mtime_ns, llama_cpp.__version__, *tokens)
        digest = hashlib.sha256(repr(about).encode()).hexdigest()[:16]
        mine = self._states / f"{path.stem}-{digest}.kv"
        for other in self._states.glob(f"{glob.escape(path.stem)}-????????????????.kv"):
            if other != mine:
                with suppress(OSError):
                    other.unlink()
        return mine

    def model(self) -> "LanguageModel[Any]":
        """The model, once it is loaded. Raises ModelError when it could not be."""
        self._done.wait()
        if self._model is None:
            raise self._error or ModelError(f"the model {self.name} could not be loaded")
        return self._model

    def close(self) -> None:
        """Frees the model. Waits for a load that is under way: a process that ends in the midst of it crashes."""
        self._closing = True
        self._done.wait()
        if self._model is not None:
            self._model.close()
