"""The page in a real browser: Chromium without a screen, where there is one."""

import os
import re
import shutil
from pathlib import Path

import pytest
from conftest import SAMPLES
from helpers import SMALL_MODEL
from serving import served

from kb import KnowledgeBase
from kb.server.access import Access

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
QUESTION = "How long do we keep support tickets?"
FLAGS = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
# Where pictures of the page are left to be looked at, if anywhere.
PICTURES = os.environ.get("KB_PICTURES")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, chromium_sandbox=os.geteuid() != 0
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser, sample_port):
    """The page, opened. What it tried to load from elsewhere, and what its policy refused, fails the test."""
    with browser.new_context() as context:
        page = context.new_page()
        asked, complaints = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"http://127.0.0.1:{sample_port}/")
        page.set_default_timeout(120_000)
        yield page
        assert all(url.startswith((f"http://127.0.0.1:{sample_port}/", "data:")) for url in asked)
        assert [one for one in complaints if not one.startswith("Failed to load resource")] == []


def picture(page, name):
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def ask(page, question=QUESTION):
    page.fill("#question", question)
    page.press("#question", "Enter")


def answered(page):
    expect(page.locator("#state")).to_have_text(re.compile("^Done"), timeout=120_000)


def test_passages_come_before_the_answer_and_a_citation_opens_its_quote(page, sample_kb):
    picture(page, "empty")
    ask(page)
    page.wait_for_selector(".found .source")
    assert page.inner_text(".answer") == ""
    picture(page, "passages")
    answered(page)
    picture(page, "answer")
    quote = page.inner_text(".citations .words").partition("“")[2].removesuffix("”")
    assert "“" in page.get_attribute(".cite", "title")
    page.click(".cite >> nth=0")
    mark = page.wait_for_selector("#reader[open] mark")
    assert " ".join(mark.inner_text().split()) == quote and mark.is_visible()
    picture(page, "quote")
    page.press("body", "Escape")
    assert not page.is_visible("#reader")
    page.press("body", "1")
    page.wait_for_selector("#reader[open] mark")


def test_a_conversation_is_kept_in_the_browser_and_goes_on(page):
    ask(page)
    answered(page)
    page.reload()
    assert page.inner_text("#talk") == ""
    page.click("#past summary")
    picture(page, "conversations")
    page.click("#chats .source")
    assert QUESTION in page.inner_text("#talk") and page.is_visible(".citations .source")
    with page.expect_request("**/api/ask") as sent:
        ask(page, "and who decides about it?")
    assert [turn["question"] for turn in sent.value.post_data_json["history"]] == [QUESTION]
    page.click("#stop")
    page.press("body", "n")
    assert page.inner_text("#talk") == ""
    page.click("#past summary")
    page.click("#chats .forget")
    assert "None yet" in page.inner_text("#chats")


def test_filters_are_sent_and_mistakes_are_said(page):
    page.click("#filters summary")
    page.select_option("[name=kind]", "mail")
    page.fill("[name=after]", "never")
    ask(page)
    page.wait_for_selector("#problem:not([hidden])")
    assert "never" in page.inner_text("#problem") and page.input_value("#question") == QUESTION
    picture(page, "filters")
    page.fill("[name=after]", "2025")
    ask(page)
    answered(page)
    assert all(".eml" in text or ".mbox" in text for text in page.locator(".found .from").all_text_contents())


def test_a_phone_shows_it_whole_and_a_dark_room_stays_dark(page):
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme="dark")
    ask(page)
    answered(page)
    page.click(".found summary")
    picture(page, "phone")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    expect(page.locator("body")).to_have_css("background-color", "rgb(23, 25, 28)")
    page.click(".cite >> nth=0")
    page.wait_for_selector("#reader[open] mark")
    picture(page, "phone-quote")
    assert page.evaluate(
        "document.getElementById('reader').getBoundingClientRect().right <= window.innerWidth"
    )


def test_a_document_is_never_html(browser, tmp_path):
    """What a stranger wrote into a mail must not run in the reader's browser, nor change how the page looks."""
    hostile = (
        "<img src=x onerror=alert(1)><script>document.title='owned'</script><style>*{display:none}</style>"
    )
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "parking.txt").write_text(f"{hostile}\n\nThe car park opens at 7:30. {hostile}\n")
    with KnowledgeBase.open(tmp_path / "kb", create=True) as base:
        base.ingest([docs])
    with served(tmp_path / "kb") as port, browser.new_context() as context:
        page = context.new_page()
        page.on("dialog", lambda dialog: pytest.fail("a script of the document ran"))
        page.goto(f"http://127.0.0.1:{port}/")
        ask(page, "When does the car park open?")
        page.wait_for_selector(".found .source", timeout=120_000)
        page.click(".found .source")
        page.wait_for_selector("#reader[open] mark")
        assert "onerror" in page.inner_text("#text") and page.title() == "kb"
        assert page.locator("#reader img, #reader script, #reader style").count() == 0


def test_a_pdf_opens_at_the_page_of_the_quote(page, sample_kb):
    """In the browser's own reader, which the policy of the page must not keep from working."""
    page.click("#filters summary")
    page.fill("[name=source]", "*handbook.pdf")
    ask(page, "How is the battery changed?")
    answered(page)
    page.click(".found summary")
    page.click(".found .source >> nth=0")
    page.wait_for_selector("#file:not([hidden])")
    address = page.get_attribute("#file", "href")
    assert address.startswith("api/file/") and "#page=" in address
    with page.context.expect_page() as opened:
        page.click("#file")
    opened.value.wait_for_timeout(3000)
    picture(opened.value, "pdf")
    assert opened.value.url.endswith(address)
    assert (SAMPLES / "pdf" / "wren-handbook.pdf").read_bytes() == page.request.get(opened.value.url).body()


def test_the_token_is_taken_from_the_address_and_asked_for_without(browser, sample_folder):
    token = "0123456789abcdef"
    with (
        served(sample_folder, Access("0.0.0.0", token), SMALL_MODEL) as port,
        browser.new_context() as context,
    ):
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_selector("#login[open]")
        picture(page, "login")
        page.fill("#token", token)
        page.press("#token", "Enter")
        expect(page.locator("#holdings")).to_contain_text("mail", timeout=60_000)
    with (
        served(sample_folder, Access("0.0.0.0", token), SMALL_MODEL) as port,
        browser.new_context() as context,
    ):
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/#token={token}")
        expect(page.locator("#holdings")).to_contain_text("mail", timeout=60_000)
        assert token not in page.url
