"""Programs that speak OpenAI's interface, with the official client of it."""

import re

import openai
import pytest
from openai import OpenAI
from serving import served

from generation.types import Turn
from kb import KnowledgeBase
from kb.server.access import Access
from kb.server.completions import ChatRequest, Message, turns

QUESTION = "How long do we keep support tickets?"


@pytest.fixture(scope="module")
def client(sample_port):
    with OpenAI(base_url=f"http://127.0.0.1:{sample_port}/v1", api_key="none", max_retries=0) as client:
        yield client


def said(*texts):
    """A conversation: user and assistant by turns."""
    return [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(texts)]


def assert_proven(base, text, citations):
    """Every citation is a true span, and the footnotes of the text are these citations."""
    for one in citations:
        shown = base.show(one["ref"])
        assert shown.text[one["start"] : one["end"]] == one["quote"]
    answer, _, notes = text.partition("\n\nSources:\n")
    numbers = [one["n"] for one in citations]
    assert sorted(set(map(int, re.findall(r"\[(\d+)\]", answer)))) == numbers
    assert [int(line[1 : line.index("]")]) for line in notes.splitlines()] == numbers


def test_there_is_one_model(client):
    assert [model.id for model in client.models.list()] == ["kb"]
    assert client.models.retrieve("kb").id == "kb"
    with pytest.raises(openai.NotFoundError, match="one model here: kb"):
        client.models.retrieve("gpt-4")


def test_an_answer_with_its_sources(client, sample_kb):
    made = client.chat.completions.create(model="kb", messages=said(QUESTION), temperature=0.7, max_tokens=5)
    (choice,) = made.choices
    assert choice.finish_reason == "stop" and made.status == "answered"
    assert made.usage.total_tokens == made.usage.prompt_tokens + made.usage.completion_tokens > 0
    assert "18" in choice.message.content
    assert_proven(sample_kb, choice.message.content, made.citations)


def test_a_stream_has_the_same_answer_and_keeps_the_draft_apart(client, sample_kb):
    """A draft that was not checked must not be taken for the answer."""
    whole = client.chat.completions.create(model="kb", messages=said(QUESTION))
    chunks = list(
        client.chat.completions.create(
            model="kb", messages=said(QUESTION), stream=True, stream_options={"include_usage": True}
        )
    )
    *chunks, usage = chunks
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    draft = "".join(getattr(chunk.choices[0].delta, "reasoning_content", "") for chunk in chunks)
    assert text == whole.choices[0].message.content and draft
    assert chunks[-1].choices[0].finish_reason == "stop" and chunks[-1].citations == whole.citations
    assert len({chunk.id for chunk in chunks}) == 1 and usage.usage == whole.usage
    assert_proven(sample_kb, text, chunks[-1].citations)


def test_what_the_documents_do_not_say_has_no_sources(client):
    made = client.chat.completions.create(model="kb", messages=said("What is the capital of Mongolia?"))
    assert made.choices[0].message.content == "The documents do not say."
    assert made.status == "not_found" and made.citations == []


def test_filters_are_extensions(client):
    made = client.chat.completions.create(model="kb", messages=said(QUESTION), extra_body={"kind": ["pdf"]})
    assert {one["kind"] for one in made.citations} <= {"pdf"}


def test_earlier_messages_are_the_conversation_without_their_footnotes():
    messages = [
        Message(role="system", content="Be brief."),
        Message(role="user", content=[{"type": "text", "text": "Who leads Wren?"}, {"type": "image_url"}]),
        Message(role="assistant", content="Dana [1]. It is late. [?]\n\nSources:\n[1] Plan: “Dana leads.”"),
        Message(role="user", content="What is the capital of Mongolia?"),
        Message(role="assistant", content="The documents do not say."),
    ]
    (turn,) = turns([message for message in messages if message.role != "system"])
    assert (turn.question, turn.answer) == ("Who leads Wren?", "Dana [1]. It is late.")


def test_the_last_message_is_the_question_and_the_rest_the_conversation():
    asked = ChatRequest(messages=said("Who leads Wren?", "Dana [1].", "and who approved it?"), kind=["mail"])
    question = asked.question()
    assert question.text == "and who approved it?" and question.filters.kinds == ("mail",)
    assert question.history == (Turn("Who leads Wren?", "Dana [1]."),)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (said("a", "b"), "must be the user's question"),
        (said("   "), "must be the user's question"),
        ([{"role": "system", "content": "x"}], "must be the user's question"),
        (said("x" * 2001), "more than 2000 characters"),
    ],
)
def test_what_is_no_question_is_said_in_a_sentence(client, messages, expected):
    with pytest.raises(openai.BadRequestError, match=expected):
        client.chat.completions.create(model="kb", messages=messages)


def test_unusable_requests_are_errors_that_the_client_knows(client):
    with pytest.raises(openai.UnprocessableEntityError):
        client.chat.completions.create(model="kb", messages=[])
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="gpt-4", messages=said(QUESTION))


def test_the_api_key_is_the_token(tmp_path):
    KnowledgeBase.open(tmp_path, create=True).close()
    with served(tmp_path, Access("0.0.0.0", "0123456789abcdef")) as port:
        url = f"http://127.0.0.1:{port}/v1"
        with OpenAI(base_url=url, api_key="0123456789abcdef", max_retries=0) as client:
            assert [model.id for model in client.models.list()] == ["kb"]
            with pytest.raises(openai.InternalServerError, match="kb ingest"):
                client.chat.completions.create(model="kb", messages=said(QUESTION))
        with (
            OpenAI(base_url=url, api_key="guess", max_retries=0) as stranger,
            pytest.raises(openai.AuthenticationError, match="token"),
        ):
            stranger.models.list()
