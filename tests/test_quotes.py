"""What a message's sender wrote, apart from what he answers, forwards, or has put under every message."""

import pytest

from ingest.loaders.quotes import body_blocks


def parts(body: str, kind: str, *, forwards: bool = False) -> str:
    """The lines of a kind, the empty ones left out."""
    blocks = body_blocks(body, 0, forwards=forwards)
    return "\n".join(body[b.start : b.end] for b in blocks if b.kind == kind)


ANSWERED = {
    "Outlook": "-----Original Message-----\nFrom: Ben\nSent: Monday, 2 September 2024 09:00\nTo: Ada\n"
    "Subject: Offer\n\nDo we take it?",
    "Outlook without a line": "From: Ben [mailto:b@c.de]\nSent: Monday, September 02, 2024 9:00 AM\nTo: Ada\n"
    "Subject: Offer\n\nDo we take it?",
    "Outlook in German": "________________\nVon: Ben\nGesendet: Montag, 2. September 2024 09:00\nAn: Ada;\n"
    "  Carla\nBetreff: Angebot\n\nNehmen wir es?",
    "Outlook in French": "De : Ben\nEnvoyé : lundi 2 septembre 2024 09:00\nÀ : Ada\nObjet : Offre\n\nOn la prend ?",
    "Outlook in Spanish": "De: Ben\nEnviado el: lunes, 2 de septiembre de 2024 9:00\nPara: Ada\nAsunto: Oferta\n\n¿Sí?",
    "bold labels": "*From:* Ben\n*Sent:* Monday\n*To:* Ada\n*Subject:* Offer\n\nDo we take it?",
    "Hotmail": "Date: Mon, 2 Sep 2024 09:00:00 +0200\nSubject: Offer\nFrom: b@c.de\nTo: a@c.de\n\nDo we take it?",
    "Gmail": "On Mon, Sep 2, 2024 at 9:00 AM Ben <b@c.de> wrote:\n\n> Do we take it?",
    "Gmail, wrapped": "On Mon, Sep 2, 2024 at 9:00 AM Ben Bright of\npurchasing <\nb@c.de> wrote:\n\n> Yes?",
    "Gmail, unmarked": "On Mon, Sep 2, 2024 at 9:00 AM Ben <b@c.de> wrote:\n\nDo we take it?",
    "Gmail in German": "Am Mo., 2. Sept. 2024 um 09:00 Uhr schrieb Ben <b@c.de>:\n\n> Nehmen wir es?",
    "Gmail in French": "Le lun. 2 sept. 2024 à 09:00, Ben <b@c.de> a écrit :\n\n> On la prend ?",
    "Gmail in Spanish": "El lun, 2 sept 2024 a las 9:00, Ben (<b@c.de>) escribió:\n\n> ¿La tomamos?",
    "a date first": '02.09.2024 14:20 пользователь "Ben" <\nb@c.de> написал:\n\n> Hi',
    "Thunderbird in German": "Am 02.09.2024 um 09:00 schrieb Ben:\n> Nehmen wir es?",
}


@pytest.mark.parametrize("below", ANSWERED.values(), ids=ANSWERED.keys())
def test_what_is_answered_is_no_word_of_the_sender(below: str) -> None:
    body = f"Yes, until Friday.\n\n{below}"
    assert parts(body, "paragraph") == "Yes, until Friday."
    assert parts(body, "quote").replace("\n", "") == below.replace("\n", "")


@pytest.mark.parametrize(
    "body",
    [
        "To: do\nFrom: now on we meet on Mondays.\nThe rest stays.",
        "Von: hier\nbis dort sind es 40 km.",
        "A table of contents\n-----\nPart one\n-----\nPart two",
        "Please note: this message was read out.\n\nThis is what I said: confidential it is not.",
        "On Friday: the review.",
    ],
)
def test_what_only_looks_like_a_quote_stays(body: str) -> None:
    assert parts(body, "paragraph").replace("\n", "") == body.replace("\n", "")


FORWARDED = {
    "Gmail": "---------- Forwarded message ---------\nFrom: Ben <b@c.de>\nDate: Mon, Sep 2, 2024 at 9:00 AM\n"
    "Subject: Offer\nTo: Ada <a@c.de>\n\nThe offer is 4,200 EUR.",
    "Apple Mail": "Begin forwarded message:\n\n> From: Ben <b@c.de>\n> Subject: Offer\n> Date: 2 September 2024\n>\n"
    "> The offer is 4,200 EUR.",
    "Thunderbird in German": "-------- Weitergeleitete Nachricht --------\nBetreff: Angebot\nDatum: Mon, 2 Sep 2024\n"
    "Von: Ben\nAn: Ada\n\nThe offer is 4,200 EUR.",
}


@pytest.mark.parametrize("below", FORWARDED.values(), ids=FORWARDED.keys())
def test_what_is_forwarded_is_content(below: str) -> None:
    body = f"For your information.\n\n{below}\n\nOn Sun, 1 Sep 2024 at 8:00, Carla wrote:\n>> What does it cost?\n"
    assert "The offer is 4,200 EUR." in parts(body, "paragraph")
    assert "What does it cost?" in parts(body, "quote")  # what the forwarded message answers


def test_outlook_forwards_under_the_words_with_which_it_answers() -> None:
    body = f"FYI\n\n{ANSWERED['Outlook']}\n\n-----Original Message-----\nFrom: Carla\nTo: Ben\nSubject: x\n\nOlder."
    assert "Do we take it?" in parts(body, "quote")
    assert "Do we take it?" in parts(body, "paragraph", forwards=True)
    assert parts(body, "quote", forwards=True).endswith("Older.")


@pytest.mark.parametrize(
    "footer",
    [
        "-- \nAda Abel\n+49 30 1234567",
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "CONFIDENTIALITY NOTICE: The contents of this email are intended for the addressee.\nDelete it otherwise.",
        "This e-mail and any attachments may contain confidential and privileged\ninformation. Delete it.",
        "Diese E-Mail enthält vertrauliche und rechtlich geschützte Informationen.",
        "_______________________________________________\nExmh-users mailing list\nhttps://example.org/listinfo/exmh",
        "-------------------------------------------------------\nThis sf.net email is sponsored by: ThinkGeek\n"
        "_______________________________________________\nTalk mailing list",
    ],
)
def test_what_stands_under_every_message_is_set_apart(footer: str) -> None:
    for end in ("", "\n\nOn Mon, 2 Sep 2024, Ben wrote:\n> Where?\n"):
        body = f"The keys are in the drawer.\n\n{footer}{end}"
        assert parts(body, "paragraph") == "The keys are in the drawer."
        assert parts(body, "signature") == footer


@pytest.mark.parametrize(
    "body", ["> The lease ends on 31 March 2026.", ANSWERED["Outlook"], "Sent from my iPhone"]
)
def test_a_message_that_has_nothing_else_is_read_all_the_same(body: str) -> None:
    assert parts(body, "paragraph").replace("\n", "") == body.replace("\n", "")
    assert parts(body, "quote") == ""


def test_lines_made_to_take_long_do_not() -> None:
    """A body of a few megabytes of almost-quotes would otherwise hold up the whole mailbox."""
    for line in (
        "From: x\nTo: y\n",
        "Begin forwarded message:\n> x\n",
        "On 2024 x",
        "-- \n",
        "> Begin forwarded message:\n",
    ):
        assert sum(1 for _ in body_blocks(line * 20_000, 0)) > 0
    assert sum(1 for _ in body_blocks("On " + "wrote " * 500_000 + ":\n> x", 0)) > 0
