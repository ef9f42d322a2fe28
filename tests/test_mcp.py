"""`kb mcp`: the SDK's own client speaks to the command as a desktop assistant does."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import SMALL_MODEL, info, kb, put
from mcp import Client, MCPError, StdioServerParameters

from kb import KnowledgeBase
from retrieval.store import Store
from retrieval.writer import writing

Session = Callable[[Client], Awaitable[None]]


def talk(folder: Path, session: Session, mode: str = "auto") -> None:
    """Runs `kb mcp` and lets the SDK's client speak to it."""
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "kb.main", "mcp", "--kb", str(folder), "--model", SMALL_MODEL],
        env=dict(os.environ),
    )  # fmt: skip

    async def run() -> None:
        async with Client(command, mode=mode, read_timeout_seconds=240) as client:
            await session(client)

    asyncio.run(run())


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool that does its work gives: the same as structure and as text."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert json.loads(result.content[0].text) == result.structured_content
    return dict(result.structured_content)


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """What a tool that can't do its work says."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error and "Traceback" not in result.content[0].text
    return str(result.content[0].text)


def test_an_assistant_searches_reads_and_asks(sample_folder, sample_kb):
    async def session(client: Client) -> None:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == {"search", "ask", "show", "list_documents"}
        found = await call(client, "search", query="Q3 decision", k=3, kinds=["wiki"])
        assert len(found["hits"]) == 3 and {hit["kind"] for hit in found["hits"]} == {"wiki"}
        best = found["hits"][0]
        shown = await call(client, "show", ref=best["ref"])
        assert shown["text"].startswith(best["text"]) and shown["doc"] == best["doc"]
        answer = await call(client, "ask", question="what was the Q3 decision")
        assert answer["status"] == "answered" and answer["citations"]
        for cited in answer["citations"]:
            assert sample_kb.show(cited["ref"]).text[cited["start"] : cited["end"]] == cited["quote"]

    talk(sample_folder, session)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_every_document_is_listed_and_readable_as_a_resource(world, mode):
    async def session(client: Client) -> None:
        listed = await call(client, "list_documents")
        assert listed["total"] == len(listed["documents"]) == 2 and listed["next_first"] is None
        resources = (await client.list_resources()).resources
        assert {str(r.uri) for r in resources} == {f"kb://document/{d['ref']}" for d in listed["documents"]}
        with KnowledgeBase.open(world / "base") as base:
            for resource in resources:
                read = (await client.read_resource(resource.uri)).contents[0]
                assert read.text == base.show(str(resource.uri).rpartition("/")[2]).text
        for nowhere in (
            "kb://document/nothere",
            "kb://document/..%2F..%2Fetc%2Fpasswd",
            "file:///etc/passwd",
        ):
            with pytest.raises(MCPError):
                await client.read_resource(nowhere)

    talk(world / "base", session, mode)


def test_what_goes_wrong_is_told_in_a_sentence_and_the_server_goes_on(world):
    async def session(client: Client) -> None:
        assert "is empty" in await refused(client, "search", query="  ")
        assert "this is no date" in await refused(client, "search", query="launch", after="soon")
        assert "nothing in this knowledge base" in await refused(client, "show", ref="/etc/passwd")
        assert "less than or equal to 100" in await refused(client, "search", query="launch", k=1000)
        assert "at most 2000" in await refused(client, "ask", question="x" * 3000)
        assert (await call(client, "search", query="launch"))["hits"]

    talk(world / "base", session)


def test_long_documents_and_long_listings_come_in_parts_that_join_to_the_whole(tmp_path):
    text = "\n\n".join(f"Paragraph {n} about horses." for n in range(2000))
    with Store.open(tmp_path / "kb", create=True) as store, writing(store) as writer:
        put(writer, text, info("long.md"))
        for n in range(250):
            put(writer, f"Note {n}.", info(f"notes/{n:03}.md"))

    async def session(client: Client) -> None:
        got, start = "", 0
        while start is not None:
            part = await call(client, "show", ref="long.md", start=start)
            assert len(part["text"]) <= 20_000
            got, start = got + part["text"], part["next_start"]
        assert got == text
        docs: list[str] = []
        first = 0
        while first is not None:
            page = await call(client, "list_documents", first=first)
            docs, first = docs + [document["doc"] for document in page["documents"]], page["next_first"]
        assert len(docs) == len(set(docs)) == page["total"] == 251
        names: list[str] = []
        cursor = None
        while True:
            listed = await client.list_resources(cursor=cursor)
            names += [resource.name for resource in listed.resources]
            if (cursor := listed.next_cursor) is None:
                break
        assert names == docs

    talk(tmp_path / "kb", session)


def test_nothing_but_the_protocol_is_on_stdout_even_while_the_model_loads(sample_folder):
    """One stray line, and an assistant drops the connection."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    question = {"name": "ask", "arguments": {"question": "what was the Q3 decision"}}
    requests = [
        {"id": 1, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": question},
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "kb.main", "mcp", "--kb", str(sample_folder), "--model", SMALL_MODEL],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        for request in requests:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **request}) + "\n")
        process.stdin.flush()
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.stdin.close()
        rest = process.stdout.read()
    assert rest == "" and process.returncode == 0
    assert [line["id"] for line in lines] == [1, 2] and all(line["jsonrpc"] == "2.0" for line in lines)
    assert "structuredContent" in lines[1]["result"]


def test_without_a_knowledge_base_it_says_so_and_ends(tmp_path):
    done = kb("mcp", "--kb", tmp_path / "none")
    assert done.returncode == 3 and done.stdout == "" and "there is no knowledge base" in done.stderr
