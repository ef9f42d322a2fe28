"""The server's own interface, over real connections: what it answers, and whom it refuses."""

import json
import re
import socket

import pytest
from conftest import SAMPLES
from serving import begun, events, request, served

from generation.types import Turn
from kb import KnowledgeBase
from kb.server.access import Access
from kb.server.guard import Rate

TOKEN = "0123456789abcdef0123"


@pytest.fixture(scope="module")
def port(sample_port):
    return sample_port


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """The port of a server that listens for other machines too, with nothing in it."""
    folder = tmp_path_factory.mktemp("guarded") / "kb"
    KnowledgeBase.open(folder, create=True).close()
    with served(folder, Access("0.0.0.0", TOKEN)) as port:
        yield port


def test_a_search_finds_what_the_command_finds_and_its_refs_open(port, sample_kb):
    status, text = request(port, "GET", "/api/search?q=Q3+decision&kind=wiki")
    hits = json.loads(text)["hits"]
    assert status == 200 and hits and {hit["kind"] for hit in hits} == {"wiki"}
    status, text = request(port, "GET", f"/api/show/{hits[0]['ref']}")
    shown = json.loads(text)
    assert status == 200 and not shown.pop("file") and shown == sample_kb.show(hits[0]["ref"]).to_json()


def test_documents_and_status(port, sample_kb):
    listed = json.loads(request(port, "GET", "/api/documents")[1])["documents"]
    assert len(listed) == len(sample_kb.list())
    assert json.loads(request(port, "GET", "/api/status")[1])["documents"] == sample_kb.status().documents


def test_hits_come_first_and_the_checked_answer_last(port):
    status, text = request(port, "POST", "/api/ask", {"question": "what was the Q3 decision"})
    names = [name for name, _ in events(text)]
    assert status == 200, text
    assert names[0] == "hits" and names[-1] == "answer" and set(names[1:-1]) <= {"token"}


def test_a_follow_up_is_searched_for_with_the_turn_before(port, sample_kb):
    turn = {"question": "what was the Q3 decision", "answer": "To launch Wren in the UK only."}
    expected = sample_kb.search("and who approved it?", k=8, history=[Turn(**turn)])
    with begun(port, "POST", "/api/ask", {"question": "and who approved it?", "history": [turn]}) as response:
        first = response.readline() + response.readline()
    ((name, found),) = events(first.decode())
    assert name == "hits" and [hit["ref"] for hit in found["hits"]] == [hit.ref for hit in expected.hits]


def test_a_pdf_opens_as_it_was_read(port, sample_kb):
    listed = next(one for one in sample_kb.list() if one.info.kind == "pdf" and not one.info.part)
    assert json.loads(request(port, "GET", f"/api/show/{listed.ref}")[1])["file"]
    with begun(port, "GET", f"/api/file/{listed.ref}:0-5") as response:
        assert response.getheader("Content-Type") == "application/pdf"
        assert response.read() == (SAMPLES / "pdf" / listed.info.doc.rpartition("/")[2]).read_bytes()


def test_a_file_that_took_the_place_of_a_pdf_is_not_given_away(tmp_path):
    """A link to a file of somebody else, put where the document was, must not be followed to its content."""
    docs = tmp_path / "docs"
    docs.mkdir()
    source = next((SAMPLES / "pdf").glob("*.pdf"))
    (docs / "report.pdf").write_bytes(source.read_bytes())
    with KnowledgeBase.open(tmp_path / "kb", create=True) as base:
        base.ingest([docs])
        (ref,) = (one.ref for one in base.list())
    (docs / "report.pdf").unlink()
    with served(tmp_path / "kb") as port:
        assert request(port, "GET", f"/api/file/{ref}")[0] == 400
        (docs / "report.pdf").symlink_to("/etc/passwd")
        status, text = request(port, "GET", f"/api/file/{ref}")
    assert status == 400 and "root:" not in text


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.5", "", "[", "a@localhost:x"]
)
def test_a_page_whose_name_was_bound_to_this_machine_is_refused(port, host):
    status, text = request(port, "GET", "/api/documents", headers={"Host": host})
    assert status in (400, 403) and "documents" not in text


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1"])
def test_pages_of_other_origins_are_refused(port, origin):
    status, text = request(port, "GET", "/api/documents", headers={"Origin": origin})
    assert status == 403 and json.loads(text).keys() == {"error"}


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/api/show/..%2f..%2fetc%2fpasswd", None, 404),
        ("GET", "/api/file/..%2f..%2fetc%2fpasswd", None, 404),
        ("GET", "/..%2f..%2fapp.py", None, 404),
        ("GET", "/api/show/README.md", None, 422),
        ("GET", "/api/show/0000", None, 400),
        ("GET", "/api/file/0000", None, 400),
        ("GET", "/api/search?q=", None, 400),
        ("GET", "/api/search?q=x&after=never", None, 400),
        ("GET", "/api/search?q=x&k=0", None, 422),
        ("POST", "/api/ask", {"question": " "}, 400),
        ("POST", "/api/ask", {"question": "x" * 3000}, 422),
        ("POST", "/api/ask", {"question": "x" * 300_000}, 413),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(port, method, path, body, expected):
    status, text = request(port, method, path, body)
    assert status == expected and json.loads(text).keys() == {"error"} and "Traceback" not in text


def test_the_page_may_load_and_run_only_what_is_served_with_it(port):
    with begun(port, "GET", "/") as response:
        page, policy = response.read().decode(), response.getheader("Content-Security-Policy")
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    assert "<style" not in page and " style=" not in page and "<script>" not in page and "://" not in page
    for name in re.findall(r'(?:src|href)="([^"#]+)"', page):
        text = request(port, "GET", f"/{name}")[1]
        assert "innerHTML" not in text and "://" not in text


def test_a_server_without_documents_says_what_to_do(tmp_path):
    KnowledgeBase.open(tmp_path, create=True).close()
    with served(tmp_path) as port:
        status, text = request(port, "GET", "/api/search?q=x")
    assert status == 503 and "kb ingest" in json.loads(text)["error"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({"Authorization": f"Bearer {TOKEN}é"}, 401),
        ({"Cookie": "kb_token=wrong"}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Cookie": f"other=1; kb_token={TOKEN}"}, 200),
    ],
)
@pytest.mark.parametrize("path", ["/api/status", "/v1/models"])
def test_other_machines_need_the_token(guarded, path, headers, expected):
    encoded = {name: value.encode() for name, value in headers.items()}
    assert request(guarded, "GET", path, headers=encoded)[0] == expected  # type: ignore[arg-type]


def test_the_page_exchanges_the_token_for_a_cookie_that_scripts_can_not_read(guarded):
    assert request(guarded, "GET", "/")[0] == 200
    assert request(guarded, "POST", "/api/session", {"token": "guess"})[0] == 401
    with begun(guarded, "POST", "/api/session", {"token": TOKEN}) as response:
        cookie = response.getheader("Set-Cookie")
    assert response.status == 204 and "HttpOnly" in cookie and "SameSite=strict" in cookie
    headers = {"Cookie": cookie.partition(";")[0]}
    assert request(guarded, "GET", "/api/status", headers=headers)[0] == 200


@pytest.mark.parametrize(
    ("host", "expected"),
    [("192.168.1.5:7717", 200), ("[::1]", 200), (socket.gethostname(), 200), ("evil.example", 403)],
)
def test_who_listens_for_others_answers_to_its_addresses_and_its_name(guarded, host, expected):
    headers = {"Host": host, "Authorization": f"Bearer {TOKEN}"}
    assert request(guarded, "GET", "/api/status", headers=headers)[0] == expected


def test_one_machine_can_not_ask_without_end():
    rate = Rate()
    assert sum(rate.allows("10.0.0.1", now=5.0) for _ in range(1000)) == 60
    assert rate.allows("10.0.0.2", now=5.0)
    assert sum(rate.allows("10.0.0.1", now=15.0) for _ in range(1000)) == 20
