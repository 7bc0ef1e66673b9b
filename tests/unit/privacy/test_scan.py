"""The scan finds people of the directory and numbers with a form, in any language, and little else."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from governance.identities import Person
from governance.privacy.findings import MASKS, Finding, mask, resolved
from governance.privacy.known_people import spellings, tells
from governance.privacy.ordinary_words import PARTICLES, PLACEHOLDERS, WRITTEN_LARGE, WRITTEN_SMALL
from governance.privacy.scan import Scanner


def person(
    name: str | None, email: str | None = None, learner_id: str = "x", accounts: dict[str, str] | None = None
) -> Person:
    return Person("acme", "l_0", learner_id, name, email, accounts or {})


PEOPLE = (
    person("Sarah Müller", "s.mueller@corp.local", "e1042", {"moodle": "mdl-77812"}),
    person("Will Grace"),
    person("Mark O'Brien"),
    person("May Price"),
    person("Nguyễn Văn An"),
    person("Anna-Lena von Stein"),
    person("Koch, Petra"),
    person("Bo Li"),
    person("王 小明"),
    person("김민수"),
)
SCANNER = Scanner(PEOPLE)

FOUND = (
    ("Thanks, Sarah, and greetings to SARAH MÜLLER.", "Thanks, [name], and greetings to [name]."),
    ("ask mueller's boss", "ask [name]'s boss"),
    ("Muller hat angerufen", "[name] hat angerufen"),
    ("I told Will, and Mr. Will told Grace.", "I told [name], and Mr. [name] told [name]."),
    ("Will, could you sign?", "[name], could you sign?"),
    ("will grace is here", "[name] is here"),
    ("obrien, O’Brien, O Brien", "[name], [name], [name]"),
    ("Nguyen Van An a appelé; Nguyễn aussi.", "[name] a appelé; [name] aussi."),
    ("Frau Koch und Herr von Stein, Petra Koch", "Frau [name] und Herr von [name], [name]"),
    ("Anna-Lena von Stein; anna lena, Lena", "[name]; [name], [name]"),
    ("Mr Li called", "Mr [name] called"),
    ("我是王小明经理", "我是[name]经理"),
    ("김민수씨 안녕하세요", "[name]씨 안녕하세요"),
    ("my id is E1042, in Moodle mdl-77812.", "my id is [learner id], in Moodle [learner id]."),
    ("write to s.mueller@corp.local, not x@y.example!", "write to [e-mail], not [e-mail]!"),
    ("it is jo dot weber at acme dot com", "it is [e-mail]"),
    ("schreiben Sie an jo Punkt weber at acme Punkt de", "schreiben Sie an [e-mail]"),
    ("my card is 4111 1111 1111 1111.", "my card is [card]."),
    ("IBAN DE89 3704 0044 0532 0130 00 bitte", "IBAN [bank account] bitte"),
    ("le compte FR14 2004 1010 0505 0001 3M02 606", "le compte [bank account]"),
    ("SSN 536-90-4399", "SSN [id number]"),
    ("her social security number is 536904399", "her social security number is [id number]"),
    ("ring +49 30 1234567 or (415) 555-2671", "ring [phone] or [phone]"),
    ("mon numéro: 06 12 34 56 78", "mon numéro: [phone]"),
    ("mi DNI es 12345678Z", "mi DNI es [id number]"),
    ("codice fiscale RSSMRA85T10A562S", "codice fiscale [id number]"),
    ("her NHS number, 943 476 5919", "her NHS number, [health id]"),
    ("the server 192.168.0.17", "the server [network address]"),
)
CLEAN = (
    "Will you mark this? May I hope for a good price? By the grace of the team, we will.",
    "We met in May and June.",
    "The doctor agreed. Will he sign?",
    "Der Koch liegt auf dem Stein.",
    "li li or bo bo",
    "We pay 2,000 euros for 24 months, that is 100 000 000 over the years.",
    "1 250 000 units, $150 000 000, 150.000.000 Euro, 12345678 Kunden",
    "Invoice 2024-11-0042, from 2023-11-04 to 2024-01-05; in 2019-2024 it grew by 30 60 90.",
    "The card 4111 1111 1111 1112 has a wrong digit.",
    "An order of 123456789 pieces in 1042 boxes",
    "Meet me at noon, dot the i and cross the t.",
    "",
)  # fmt: skip


@pytest.mark.parametrize(("said", "shown"), FOUND, ids=[said[:40] for said, _ in FOUND])
def test_personal_data_is_masked_by_kind(said: str, shown: str) -> None:
    assert SCANNER.masked(said) == shown


@pytest.mark.parametrize("said", CLEAN)
def test_ordinary_talk_is_left_alone(said: str) -> None:
    assert SCANNER.find(said) == []


@pytest.mark.parametrize("before", [0, 1_985, 1_990, 2_000, 3_845, 9_999])
def test_a_number_is_found_wherever_it_stands_in_a_long_text(before: int) -> None:
    filler = "so " * (before // 3) + "x" * (before % 3)
    said = f"{filler} my passport and card 4111 1111 1111 1111, phone +49 30 1234567 {filler}"
    assert SCANNER.masked(said) == f"{filler} my passport and card [card], phone [phone] {filler}"


def test_nobody_is_known_without_a_directory() -> None:
    assert Scanner([]).masked("Sarah Müller, e1042, card 4111111111111111") == "Sarah Müller, e1042, card [card]"


def test_a_directory_of_placeholders_masks_no_ordinary_talk() -> None:
    scanner = Scanner([person("Test User 12"), person("Sales Team"), person("12"), person("")])
    said = "The team tests with a user of Sales. I am the Manager; Team up!"
    assert scanner.masked(said) == said
    assert scanner.masked("I am Test User 12 of the sales team") == "I am [name] 12 of the [name]"


def test_a_name_found_in_a_longer_finding_leaves_nothing_behind() -> None:
    text = "abcdefghij"
    found = [Finding("name", 0, 4), Finding("card", 2, 9), Finding("name", 8, 10)]
    assert resolved(text, found) == [Finding("card", 0, 10)]
    assert mask(text, resolved(text, found)) == "[card]"


def test_masks_are_no_findings_whoever_is_called_like_them() -> None:
    scanner = Scanner([person("Name Card"), person("Phoné")])
    shown = scanner.masked("I am Name Card, phone Phone, card 4111111111111111")
    assert shown == "I am [name], [name] [name], [name] [card]"
    assert scanner.find(shown) == []


@pytest.mark.parametrize(
    ("identifier", "told"), [("e1042", True), ("e17", False), ("1042", False), ("100042", True), ("sarah", False)]
)
def test_an_id_counts_where_it_is_no_word_and_no_number(identifier: str, told: bool) -> None:
    assert tells(identifier) is told


def test_spellings_of_a_name() -> None:
    assert spellings("Dr. Jörg van der Löh") >= {("jorg",), ("joerg",), ("loh",), ("jorg", "loh"), ("loh", "jorg")}
    assert not any(name in (("dr",), ("van",), ("der",)) for name in spellings("Dr. Jörg van der Löh"))


ORDINARY = WRITTEN_SMALL | WRITTEN_LARGE | PARTICLES | PLACEHOLDERS
names = st.text(alphabet="abcdefghijklmnoprstuvzäéøßñç", min_size=3, max_size=9).map(str.capitalize)
words = st.text(alphabet=string.ascii_letters + string.digits + "äéß@.,-+:/[]()'’ \n€$", max_size=12)


@given(
    given_name=names,
    family=names,
    around=st.lists(words, min_size=2, max_size=6),
    case=st.sampled_from(["", "upper", "lower"]),
)
def test_no_known_name_is_left(given_name: str, family: str, around: list[str], case: str) -> None:
    assume(not {given_name.lower(), family.lower()} & ORDINARY)
    scanner = Scanner([person(f"{given_name} {family}")])
    shown = [getattr(name, case)() if case else name for name in (given_name, family)]
    text = " ".join([around[0], *shown, *around[1:], shown[1], "?"])
    masked = scanner.masked(text)
    assert not any(name in masked.split() for name in shown)
    assert scanner.masked(masked) == masked


@given(st.lists(words, max_size=8).map(" ".join))
def test_offsets_lie_in_the_text_and_in_order(text: str) -> None:
    found = SCANNER.find(text)
    reached = 0
    for each in found:
        assert reached <= each.start < each.end <= len(text)
        assert each.kind in MASKS
        reached = each.end
    once = SCANNER.masked(text)
    assert SCANNER.masked(once) == once
    assert (once == text) is (not found)


SMALL_TALK = ("how", "does", "your", "team", "handle", "renewals", "when", "prices", "rise", "by", "12", "or", "30%")


@given(st.lists(st.sampled_from(SMALL_TALK), max_size=20).map(" ".join))
def test_words_without_personal_data_stay_as_they_are(said: str) -> None:
    assert SCANNER.masked(said) == said
