"""Personal data that has a form: addresses, cards, accounts, phones, ids. Presidio's pattern recognisers, and no model.

They are asked one by one: Presidio's engine wants a language model, and its e-mail recogniser a list from the network.
Every recogniser runs on every text, since people say numbers of one country in the language of another.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from governance.privacy.findings import Finding, Kind

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer, RecognizerResult

RECOGNISERS: dict[str, Kind] = {
    "CreditCardRecognizer": "card",
    "IbanRecognizer": "bank_account",
    "UsBankRecognizer": "bank_account",
    "IpRecognizer": "network_address",
    "MacAddressRecognizer": "network_address",
    "UsSsnRecognizer": "national_id",
    "UsItinRecognizer": "national_id",
    "UsPassportRecognizer": "national_id",
    "UsLicenseRecognizer": "national_id",
    "UkNinoRecognizer": "national_id",
    "UkPassportRecognizer": "national_id",
    "UkDrivingLicenceRecognizer": "national_id",
    "CaSinRecognizer": "national_id",
    "AuTfnRecognizer": "national_id",
    "DeTaxIdRecognizer": "national_id",
    "DeSocialSecurityRecognizer": "national_id",
    "DeIdCardRecognizer": "national_id",
    "DePassportRecognizer": "national_id",
    "DeFuehrerscheinRecognizer": "national_id",
    "EsNifRecognizer": "national_id",
    "EsNieRecognizer": "national_id",
    "EsPassportRecognizer": "national_id",
    "ItFiscalCodeRecognizer": "national_id",
    "ItIdentityCardRecognizer": "national_id",
    "ItDriverLicenseRecognizer": "national_id",
    "PlPeselRecognizer": "national_id",
    "FiPersonalIdentityCodeRecognizer": "national_id",
    "SePersonnummerRecognizer": "national_id",
    "InPanRecognizer": "national_id",
    "InAadhaarRecognizer": "national_id",
    "SgFinRecognizer": "national_id",
    "KrRrnRecognizer": "national_id",
    "ThTninRecognizer": "national_id",
    "TrNationalIdRecognizer": "national_id",
    "ZaIdNumberRecognizer": "national_id",
    "NgNinRecognizer": "national_id",
    "UsMbiRecognizer": "health_id",
    "UsHealthInsuranceMemberIdRecognizer": "health_id",
    "NhsRecognizer": "health_id",
    "DeHealthInsuranceRecognizer": "health_id",
    "AuMedicareRecognizer": "health_id",
}
# Where a number without a country's prefix may belong; more regions find phones in ordinary numbers.
REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "IN", "BR")
ALONE = 0.5  # Presidio's score of a form that few other things have
CHECKED = 0.3  # of a form that counts once its check digits hold: a looser one holds by chance too often
NEAR = 40  # characters before a number in which a word such as "passport" says what it is
CURRENCY = 8  # characters before an amount in which its currency stands
WINDOW, OVERLAP = 2_000, 150  # of a long text so much is looked at in one go: phones cost more than its length
LEAST_DIGITS = 5  # of the shortest number sought; a text with fewer holds none
_DIGITS = re.compile(rf"(?:\d\D*){{{LEAST_DIGITS}}}")
_DIALLED = re.compile(r"(?:\d[\s().\-/+]{0,3}){7}")  # the digits of the shortest phone number, said in one go
# Both begin at a word's beginning alone: a search from every letter of a long one would take its length squared.
_EMAIL = re.compile(r"(?<![^\s@<>()\[\]{}\"',;:|])[^\s@<>()\[\]{}\"',;:|]+@[\w\-]+(?:\.[\w\-]+)+")
# Said, not written: a transcript of speech has "anna dot weber at acme dot com".
_POINT = "(?:dot|punkt|point|punto)"
_ENDINGS = "(?:com|org|net|edu|gov|info|io|ai|co|eu|uk|us|de|at|ch|fr|es|it|nl|be|pt|pl)"
_SPOKEN = re.compile(
    rf"(?<![\w\-])[\w\-]+(?: (?:{_POINT}|underscore|dash) [\w\-]+){{0,6}} (?:at|ät|arobase|arroba) "
    rf"[\w\-]+(?: {_POINT} {_ENDINGS})+\b",
    re.IGNORECASE,
)
_SPOKEN_POINT = re.compile(f" {_POINT} ", re.IGNORECASE)
_MONEY_BEFORE = re.compile(r"(?:[€$£¥]|\b(?:usd|eur|chf|gbp|inr|brl))\s*$", re.IGNORECASE)
_AMOUNT_AFTER = re.compile(
    r"\s*(?:[€$£¥%]|(?:euros?|eur|usd|dollars?|dólares|pounds?|pfund|francs?|franken|chf|gbp|rupees|reais|million(?:s|en)?"
    r"|mio|milliarden?|billions?|thousands?|tausend|percent|prozent|units?|pieces|stück|unités|unidades|people|users?|seats?"
    r"|licen[cs]es|customers?|kunden|clients?|employees|mitarbeiter|hours?|days?|months?|years?|jahre|monate|kilometers?|km)\b)",
    re.IGNORECASE,
)
_DATED = re.compile(r"(?:19|20)\d\d[-./](?:0?[1-9]|1[0-2])\b")
_NUMBER = re.compile(r"[\d\s.,/()\-+]+")


def find(text: str) -> list[Finding]:
    """Personal data that its form tells, in order of recogniser; findings may overlap."""
    found = list(_addresses(text)) if "@" in text or _SPOKEN_POINT.search(text) else []
    for at in range(0, max(len(text) - OVERLAP, 1), WINDOW - OVERLAP):
        found += _numbers(text, at, min(at + WINDOW, len(text)))
    return found


def _addresses(text: str) -> Iterator[Finding]:
    for pattern in (_EMAIL, _SPOKEN):
        for match in pattern.finditer(text):
            yield Finding("email", *match.span())


def _numbers(text: str, begin: int, stop: int) -> Iterator[Finding]:
    """Numbers within one window of the text."""
    part = text[begin:stop]
    if not _DIGITS.search(part):
        return
    for recogniser, kind in _recognisers():
        for result in _asked(recogniser, part):
            start, end = _whole(text, begin + result.start, begin + result.end)
            if _holds(text, start, recogniser, result) and not _is_amount(text, start, end):
                yield Finding(kind, start, end)
    if not _DIALLED.search(part):
        return
    for result in _asked(_phones(), part):
        start, end = _whole(text, begin + result.start, begin + result.end)
        if not _is_amount(text, start, end) and not _DATED.match(text, start):
            yield Finding("phone", start, end)


def _asked(recogniser: "EntityRecognizer", text: str) -> "list[RecognizerResult]":
    without_model: Any = None  # what a model said of the text; forms need none
    return recogniser.analyze(text, recogniser.supported_entities, without_model)


def _holds(text: str, start: int, recogniser: "EntityRecognizer", result: "RecognizerResult") -> bool:
    """Whether a form is evidence: rare by itself, with check digits that hold, or named just before."""
    explained = result.analysis_explanation
    base = explained.original_score if explained else result.score
    if base >= ALONE or (base >= CHECKED and result.score == recogniser.MAX_SCORE):
        return True
    before = text[max(0, start - NEAR) : start].lower()
    return any(re.search(rf"\b{re.escape(word.lower())}\b", before) for word in recogniser.context or ())


def _is_amount(text: str, start: int, end: int) -> bool:
    """Whether a bare number is so much of something."""
    if not _NUMBER.fullmatch(text, start, end):
        return False
    return (
        _MONEY_BEFORE.search(text, max(0, start - CURRENCY), start) is not None
        or _AMOUNT_AFTER.match(text, end) is not None
    )


def _whole(text: str, start: int, end: int) -> tuple[int, int]:
    """A place drawn out to whole words: what is left of a number would still tell much of it."""
    while start and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum():
        end += 1
    return start, end


@cache
def _recognisers() -> tuple[tuple["EntityRecognizer", Kind], ...]:
    """Made once, and only when a text needs them: to import Presidio takes seconds."""
    from presidio_analyzer import predefined_recognizers as shipped

    return tuple((getattr(shipped, name)(), kind) for name, kind in RECOGNISERS.items())


@cache
def _phones() -> "EntityRecognizer":
    from presidio_analyzer.predefined_recognizers import PhoneRecognizer

    return PhoneRecognizer(supported_regions=REGIONS, leniency=1)
