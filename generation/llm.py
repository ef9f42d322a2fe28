"""The local language model: a GGUF file in this process, through llama-cpp-python.

Prompts are lists of tokens. Our own instructions may hold the model's control tokens; text from documents
and from the user is tokenised with `special=False`, so that `<|im_end|>` in a mail stays six plain characters
and can never end a turn.
"""

import codecs
import ctypes
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.stop import Stop, Stopped
from generation.types import Piece, Tier
from retrieval.errors import ModelError, UsageError

# The prompt is at most some 900 tokens and the answer 400: a small window keeps the KV cache at about 60 MB.
CONTEXT_TOKENS = 2048
# Between two batches Ctrl-C is heard: 0.9 s apart at most. Two cores with AVX-512 read 156 tokens/s in batches of 512,
# 138 in these and 124 in batches of 64.
_BATCH_TOKENS = 128
# Bytes of the SHA-256 in front of a state that is kept.
_DIGEST = 32
# Stands for the user's text while the model's own chat template is rendered.
_SLOT = "@@kb-user-text@@"
_CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n"
)


_log: Any = None  # llama.cpp keeps a pointer to it


class LocalModel:
    """One loaded GGUF. Not to be shared between threads. The KV state of a repeated prompt prefix is reused."""

    tier: Tier = "local"

    def __init__(self, path: Path, threads: int | None = None) -> None:
        """Loads the file. Raises ModelError when llama.cpp can't."""
        import llama_cpp

        try:
            with _weights_as_they_are(), _quiet():
                self._llama = llama_cpp.Llama(
                    str(path), n_ctx=CONTEXT_TOKENS, n_batch=_BATCH_TOKENS, n_threads=threads or _threads(),
                    n_threads_batch=threads or _threads(), flash_attn=True, verbose=False,
                )  # fmt: skip
        except (ValueError, RuntimeError, OSError) as error:
            raise ModelError(
                f"the model {path} can't be loaded ({error}): check it with kb models verify, or name another "
                "GGUF file with --model"
            ) from error
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        self.name = path.stem
        self._stop = Stop()
        # llama.cpp asks this some thousand times a token whether to stop. The strlen of a string that is empty or not
        # is an answer in C; one in Python would wait for the interpreter's lock every time.
        self._stopped = ctypes.cast(ctypes.CDLL(None).strlen, llama_cpp.ggml_abort_callback)
        # What a refusal may begin with, as the model's own tokens.
        self._refusals = sorted({self._plain(start)[0] for start in ("NOT", "Not", "not", " NOT", " Not")})
        eos = self._llama.token_eos()
        self._template = Jinja2ChatFormatter(
            self._llama.metadata.get("tokenizer.chat_template", _CHATML),
            eos_token=self._llama.detokenize([eos], special=True).decode("utf-8", "replace"),
            bos_token="",
        )

    def count(self, text: str) -> int:
        """The tokens of `text`."""
        return len(self._plain(text))

    def prompt(self, system: str, user: str) -> list[int]:
        """The prompt's tokens: `system` is our own text, `user` may hold anything."""
        messages = [{"role": "system", "content": system}, {"role": "user", "content": _SLOT}]
        rendered = self._template(messages=messages).prompt  # type: ignore[arg-type]
        before, _, after = rendered.partition(_SLOT)
        special = [self._llama.tokenize(t.encode(), add_bos=False, special=True) for t in (before, after)]
        return [*special[0], *self._plain(user), *special[1]]

    def warm(self, tokens: Sequence[int], kept: Path | None = None) -> None:
        """Reads the beginning of a prompt into the KV cache, so that a prompt that begins so starts sooner. The state
        after it is taken from the file `kept` where that is whole, else written to it: its name must tell models, their
        versions and beginnings apart."""
        self._llama.reset()  # type: ignore[no-untyped-call]
        if kept is not None and self._restored(tokens, kept):
            return
        self._llama.eval(list(tokens))
        if kept is not None:
            self._keep(kept)

    def _restored(self, tokens: Sequence[int], kept: Path) -> bool:
        """Whether the state after `tokens` could be taken from the file."""
        import llama_cpp

        try:
            data = kept.read_bytes()
        except OSError:
            return False
        digest, state = data[:_DIGEST], data[_DIGEST:]
        # llama.cpp ends the process over a state that is cut off.
        if hashlib.sha256(state).digest() != digest:
            return False
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        if llama_cpp.llama_state_seq_set_data(self._llama.ctx, buffer, len(state), 0) != len(state):
            self._llama._ctx.kv_cache_clear()  # type: ignore[no-untyped-call]
            return False
        self._llama.input_ids[: len(tokens)] = tokens
        self._llama.n_tokens = len(tokens)
        return True

    def _keep(self, kept: Path) -> None:
        """Writes the state to the file; where that can't be done the next start takes longer."""
        import llama_cpp

        buffer = (ctypes.c_uint8 * llama_cpp.llama_state_seq_get_size(self._llama.ctx, 0))()
        size = llama_cpp.llama_state_seq_get_data(self._llama.ctx, buffer, len(buffer), 0)
        state = ctypes.string_at(buffer, size)
        whole = kept.with_name(f"{kept.name}.{os.getpid()}")
        with suppress(OSError):
            kept.parent.mkdir(parents=True, exist_ok=True)
            whole.write_bytes(hashlib.sha256(state).digest() + state)
            whole.replace(kept)
        with suppress(OSError):  # what a full disk has cut off
            whole.unlink(missing_ok=True)

    def complete(
        self,
        prompt: Sequence[int],
        max_tokens: int,
        may_begin: Callable[[float], bool] = lambda refusal: True,
        stop: Stop | None = None,
    ) -> Iterator[Piece]:
        """The most probable continuation, piece by piece, until the model ends its turn or `max_tokens`. Before the
        first token `may_begin` is told how probable (0 to 1) it is that the model refuses; when it says no, nothing
        is made, else the model must answer. Closing the iterator stops the work between two pieces, `stop` at once and
        in the midst of the prompt too: raises Stopped then, and UsageError when the prompt is too long."""
        if len(prompt) + max_tokens > CONTEXT_TOKENS:
            raise UsageError(
                f"the prompt of {len(prompt)} tokens and an answer of {max_tokens} do not fit the model's window "
                f"of {CONTEXT_TOKENS} tokens: ask a shorter question"
            )
        from llama_cpp import LogitsProcessorList

        self._heed(stop or Stop())
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        made: list[int] = []
        begins = True
        least = 1.0

        def noted(ids: NDArray[np.intc], logits: NDArray[np.single]) -> NDArray[np.single]:
            nonlocal begins, least
            shifted = np.exp(logits - logits.max())
            if not made and begins:
                begins = may_begin(float(shifted[self._refusals].sum() / shifted.sum()))
                logits = logits.copy()
                logits[self._refusals] = -np.inf
                shifted[self._refusals] = 0.0
            least = min(least, float(shifted.max() / shifted.sum()))
            return logits

        processors = LogitsProcessorList([noted])
        try:
            for token in self._llama.generate(
                prompt, temp=0.0, repeat_penalty=1.0, logits_processor=processors
            ):
                if not begins or self._ends(token) or len(made) >= max_tokens:
                    break
                piece = self._llama.detokenize([token], prev_tokens=[*prompt[-1:], *made])
                made.append(token)
                text = decoder.decode(piece)
                if text:
                    yield Piece(text, len(made), least)
                    least = 1.0
        except RuntimeError:
            if self._stop.is_set():
                raise Stopped from None
            raise

    def close(self) -> None:
        """Frees the model's memory."""
        self._llama.close()

    def _heed(self, stop: Stop) -> None:
        """Lets `stop` end what the model does from now on."""
        import llama_cpp

        self._stop = stop  # llama.cpp keeps the address
        llama_cpp.llama_set_abort_callback(self._llama.ctx, self._stopped, ctypes.c_void_p(stop.string))

    def _ends(self, token: int) -> bool:
        import llama_cpp

        return bool(llama_cpp.llama_vocab_is_eog(self._llama._model.vocab, token))

    def _plain(self, text: str) -> list[int]:
        return list(self._llama.tokenize(text.encode("utf-8", "replace"), add_bos=False, special=False))


@contextmanager
def _weights_as_they_are() -> Iterator[None]:
    """Makes llama.cpp use the weights as they lie in the file and not repack them while loading, for which `Llama` has
    no argument. Repacked for AMX they crash builds by GCC 12 (ggml-org/llama.cpp issue 20824); repacked for AVX-512
    they were slower to load (0.8 s for 0.3), held the model in memory twice, and read a prompt more slowly (105
    tokens/s for 145; the 1.5B model on two cores), which their faster writing (14 tokens/s for 11) does not make up for
    in short answers."""
    import llama_cpp.llama_cpp as library

    default = library.llama_model_default_params

    def changed() -> Any:
        parameters = default()
        parameters.use_extra_bufts = False
        return parameters

    library.llama_model_default_params = changed
    try:
        yield
    finally:
        library.llama_model_default_params = default


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences llama.cpp's own log. `Llama(verbose=False)` instead sends the whole process's stdout and stderr to
    nowhere while it loads, and with them what another thread prints meanwhile."""
    import llama_cpp
    from llama_cpp._utils import suppress_stdout_stderr

    global _log
    _log = llama_cpp.llama_log_callback(lambda level, text, data: None)
    llama_cpp.llama_log_set(_log, None)
    suppressed: Any = suppress_stdout_stderr
    begin, end = suppressed.__enter__, suppressed.__exit__
    suppressed.__enter__, suppressed.__exit__ = lambda self: self, lambda self, *_: None
    try:
        yield
    finally:
        suppressed.__enter__, suppressed.__exit__ = begin, end


def _threads() -> int:
    """Threads for the model: the cores this process may use."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
