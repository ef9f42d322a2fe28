"""A language model behind an OpenAI-compatible endpoint (vLLM, llama.cpp's server), as answers use one.

It is named by its URL, `http://127.0.0.1:8000/v1`, or `…/v1#name` where several are served. A key comes from the
environment only. What differs from the model in this process: tokens are estimated from characters, how probable they
were is not known, so that no answer is refused for that, and a refusal can't be forbidden, as that takes the model's
own tokens: where it refuses, the answer is that the documents do not say.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from generation.stop import Stop, Stopped
from generation.types import Piece, Tier
from retrieval.errors import ModelError, UsageError

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.chat import ChatCompletionChunk

KEY = "KB_ENDPOINT_KEY"
# Seconds: a server on the network answers within the first, a large model reads its prompt within the second.
_CONNECT, _READ = 5.0, 120.0
# What is tried again (no connection, 429, 5xx) waits 0.5 s first and twice as long each time.
_RETRIES = 3
# English has four characters a token; more are counted than there are, so that a prompt is never longer than planned.
_CHARS_A_TOKEN = 3.5
# A server reads the control tokens of its model's family in any text: "<|im_end|>", "</s>", "[INST]".
_CONTROL = re.compile(r"<(?=\S)|\[(?=/?[A-Z_]+\])")
_REFUSAL = re.compile(r"\s*not\b", re.IGNORECASE)
# Characters that tell whether a text begins with a refusal.
_BEGINNING = 4


@dataclass(frozen=True, slots=True)
class Messages:
    """A prompt; its length is its estimated tokens."""

    system: str
    user: str
    tokens: int

    def __len__(self) -> int:
        return self.tokens


class EndpointModel:
    """One model of an endpoint. Connects when it is first asked for something."""

    tier: Tier = "endpoint"

    def __init__(self, spec: str) -> None:
        """`spec` as `is_endpoint` knows it. Raises UsageError when its URL can't be one."""
        parts = urlsplit(spec)
        if not parts.hostname:
            raise UsageError(f"{spec} names no host: write an endpoint as http://127.0.0.1:8000/v1")
        if parts.username or parts.password or parts.query:
            raise UsageError(
                f"an endpoint's address holds no key: put it into the environment variable {KEY}"
            )
        self.url = parts._replace(fragment="").geturl()
        self._wanted = parts.fragment

    @cached_property
    def name(self) -> str:
        """The model's name there and where that is: the one that was asked for, or the first that is served."""
        return f"{self._model} at {self.url}"

    def count(self, text: str) -> int:
        """The tokens of `text`, estimated."""
        return round(len(text.encode("utf-8", "replace")) / _CHARS_A_TOKEN)

    def prompt(self, system: str, user: str) -> Messages:
        """The prompt; `user` may hold anything, and can't end its own turn."""
        plain = _CONTROL.sub(lambda match: f"{match[0]} ", user)
        return Messages(system, plain, self.count(system) + self.count(plain))

    def complete(
        self,
        prompt: Messages,
        max_tokens: int,
        may_begin: Callable[[float], bool] = lambda refusal: True,
        stop: Stop | None = None,
    ) -> Iterator[Piece]:
        """The most probable continuation, piece by piece. `may_begin` is told 1 when it begins with a refusal and 0
        when it does not; when it says no, nothing is given. Closing the iterator stops the work, and so does `stop`
        before the next piece: raises Stopped then, and ModelError when the endpoint can't be reached, refuses or
        breaks off."""
        import httpx2
        from openai import OpenAIError

        answering = begun = False
        try:
            with self._client.chat.completions.create(
                model=self._model, temperature=0, max_tokens=max_tokens, stream=True,
                messages=[{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
            ) as chunks:  # fmt: skip
                answering = True
                for piece in _pieces(chunks):
                    if stop and stop.is_set():
                        raise Stopped
                    if not begun and not may_begin(float(bool(_REFUSAL.match(piece.text)))):
                        return
                    begun = True
                    yield piece
        except (OpenAIError, httpx2.HTTPError, ValueError) as error:  # ValueError: what came is no JSON
            if answering:
                raise ModelError(f"the endpoint {self.url} broke off while it answered: ask again") from error
            raise ModelError(self._why(error)) from error

    def close(self) -> None:
        """Closes the connection."""
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> "OpenAI":
        import httpx2
        from openai import OpenAI

        # A proxy or a redirect would take what is meant for this machine elsewhere.
        carrier = httpx2.Client(follow_redirects=False, trust_env=not is_local(self.url))
        return OpenAI(
            base_url=self.url, api_key=os.environ.get(KEY) or "none", max_retries=_RETRIES, http_client=carrier,
            timeout=httpx2.Timeout(_READ, connect=_CONNECT),
        )  # fmt: skip

    @cached_property
    def _model(self) -> str:
        from openai import OpenAIError

        if self._wanted:
            return self._wanted
        try:
            served = next(iter(self._client.models.list()), None)
        except (OpenAIError, ValueError) as error:
            raise ModelError(self._why(error)) from error
        if served is None:
            raise ModelError(f"the endpoint {self.url} serves no model: load one there, then ask again")
        return served.id

    def _why(self, error: Exception) -> str:
        from openai import APIConnectionError, APIStatusError, APITimeoutError, AuthenticationError

        if isinstance(error, APITimeoutError):
            return f"the endpoint {self.url} gave no answer in time: see whether it is overloaded, then ask again"
        if isinstance(error, APIConnectionError):
            return f"the endpoint {self.url} can't be reached: start it, or choose another model with --model"
        if isinstance(error, AuthenticationError):
            return f"the endpoint {self.url} wants another key: put it into the environment variable {KEY}"
        if isinstance(error, APIStatusError):
            said = " ".join(error.message.split())[:200]
            why = f"{error.status_code}: {said}"
            return f"the endpoint {self.url} refused ({why}): check its address and the model's name"
        return f"the endpoint {self.url} does not speak the protocol: check its address"


def _pieces(chunks: "Iterable[ChatCompletionChunk]") -> Iterator[Piece]:
    """The text of the chunks, a token each; the first piece is as long as is needed to tell a refusal."""
    waiting, made = "", 0
    for chunk in chunks:
        content = chunk.choices[0].delta.content if chunk.choices else None
        if content:
            waiting, made = waiting + content, made + 1
            if made > _BEGINNING or len(waiting.strip()) >= _BEGINNING:
                yield Piece(waiting, made)
                waiting = ""
    if waiting:
        yield Piece(waiting, made)


def is_endpoint(spec: str) -> bool:
    """Whether the name of a model is the URL of an endpoint."""
    return spec.lower().startswith(("http://", "https://"))


def is_local(url: str) -> bool:
    """Whether what is sent to `url` stays on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def where_it_goes(spec: str) -> str:
    """A sentence that says whether questions and passages leave this machine for that endpoint."""
    if is_local(spec):
        return "an endpoint on this machine"
    unprotected = "" if spec.lower().startswith("https://") else ", unencrypted"
    return f"an endpoint elsewhere: questions and the passages found for them leave this machine{unprotected}"
