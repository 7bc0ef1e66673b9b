"""Destinations: one LMS installation each, as ``config/destinations/<name>.yaml`` describes it.

What differs from LMS to LMS is here: how a failure is written, which attempt counts, who may ask, how it looks.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from governance import yaml_files
from governance.catalog_models import Code, Language, Strict, Text
from governance.names import Tenant

FOLDER = "destinations"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
LANGUAGES = ("en", "de", "fr", "es", "ja")  # those that the page speaks
LOGO_BYTES = 200_000
LOGO_TYPES = frozenset({".svg", ".png", ".jpg", ".jpeg", ".webp"})
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3: white text on the accent

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$")]
Origin = Annotated[str, StringConstraints(pattern=r"^(null|https?://[^\s/?#]+)$")]


class DestinationError(ValueError):
    """A destination cannot be used; the text names the file, the key and what is wrong."""


class Brand(Strict):
    """How the page looks: the customer's name, colour and logo (a file beside the destination's)."""

    name: Text = "Rolecall"
    accent: Colour = "#1f5f8b"
    logo: Path | None = None

    @field_validator("accent")
    @classmethod
    def _readable(cls, colour: str) -> str:
        found = contrast_with_white(colour)
        if found < LEAST_CONTRAST:
            raise ValueError(f"{colour} has a contrast of {found:.1f} with white; choose one with 4.5 or more")
        return colour.lower()


class Live(Strict):
    """The role-play inside the LMS.

    ``rooms`` are the origins that the engine's rooms may come from. ``memory`` offers learners to hand the engine what
    they struggled with last time; they are asked each time. ``notice`` is shown before the start, ``notice_ref`` is
    kept with the launch.
    """

    rooms: tuple[Address, ...] = ("https://*.daily.co",)
    memory: bool = False
    notice: Text | None = None
    notice_ref: Text | None = None
    assigned: bool = True


class Sso(Strict):
    """Which claim of the company's login names the learner, and what it is in the directory."""

    claim: Code = "email"
    match: Literal["email", "learner_id"] = "email"


class Destination(Strict):
    """One LMS installation.

    ``scheme`` names the kind of id that this LMS hands over; ``identity`` says whether a learner has to prove once who
    they are, by a personal code (``claim``) or the company's login (``sso``), or the mapped id is enough for a score
    without comments (``mapped``). ``counts`` chooses among
    a learner's sessions, ``fail_status`` what a failure is written as. ``masteryscore`` is honoured only where reaching
    the score is all there is to passing. ``finish`` says when the session in the LMS is ended.
    """

    title: Text
    tenant: Tenant
    base_url: Address
    origins: tuple[Origin, ...] = Field(min_length=1)
    scheme: Code = "lms_user"
    identity: Literal["claim", "sso", "mapped"] = "claim"
    sso: Sso = Sso()
    mode: Literal["results", "live"] = "results"
    counts: Literal["latest", "best"] = "latest"
    fail_status: Literal["failed", "incomplete"] = "failed"
    masteryscore: bool = False
    schemas: bool = True
    finish: Literal["on_leave", "after_report"] = "on_leave"
    languages: tuple[Language, ...] = Field(default=LANGUAGES, min_length=1)
    scenarios: tuple[Code, ...] | None = None
    token_days: int = Field(default=30, ge=1, le=400)
    brand: Brand = Brand()
    live: Live = Live()

    @field_validator("base_url")
    @classmethod
    def _no_slash(cls, address: str) -> str:
        return address.rstrip("/")

    @field_validator("languages")
    @classmethod
    def _spoken(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(languages) - set(LANGUAGES))
        if unknown:
            raise ValueError(f"the page has no texts in {', '.join(unknown)}; it speaks {', '.join(LANGUAGES)}")
        return languages

    @model_validator(mode="after")
    def _honest(self) -> "Destination":
        local = re.match(r"^http://(127\.0\.0\.1|localhost)(:\d+)?(/|$)", self.base_url)
        if not self.base_url.startswith("https://") and not local:
            raise ValueError("base_url: an LMS page loads nothing over plain http; write https://…")
        return self


def load(config: Path, name: str) -> Destination:
    """The destination of that name.

    Raises:
        DestinationError: there is none, or its file is wrong.
    """
    path = config / FOLDER / f"{name}.yaml"
    if NAME.fullmatch(name) is None or not path.is_file():
        known = ", ".join(names(config)) or "none yet"
        raise DestinationError(f"{path}: there is no such destination; known: {known}")
    found = yaml_files.load(path, Destination, DestinationError, absent="check that it may be read")
    _check_logo(path, found)
    return found


def names(config: Path) -> list[str]:
    """Names of all destinations, sorted."""
    return sorted(path.stem for path in (config / FOLDER).glob("*.yaml") if NAME.fullmatch(path.stem))


def every(config: Path) -> Iterator[tuple[str, Destination]]:
    """Each destination with its name."""
    for name in names(config):
        yield name, load(config, name)


def logo_of(config: Path, destination: Destination) -> tuple[str, bytes] | None:
    """File name and bytes of the logo; None where the destination has none."""
    if destination.brand.logo is None:
        return None
    path = config / FOLDER / destination.brand.logo
    return f"logo{path.suffix.lower()}", path.read_bytes()


def contrast_with_white(colour: str) -> float:
    """Contrast ratio of a colour with white, by WCAG's relative luminance."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05)


def _check_logo(path: Path, destination: Destination) -> None:
    logo = destination.brand.logo
    if logo is None:
        return
    file = path.parent / logo
    if file.suffix.lower() not in LOGO_TYPES:
        raise DestinationError(f"{path}: brand.logo: {logo} is no picture; use one of {', '.join(sorted(LOGO_TYPES))}")
    if not file.resolve().is_relative_to(path.parent.resolve()) or not file.is_file():
        raise DestinationError(f"{path}: brand.logo: {file} does not exist; put the picture beside this file")
    if file.stat().st_size > LOGO_BYTES:
        raise DestinationError(f"{path}: brand.logo: {logo} is larger than {LOGO_BYTES // 1000} kB")
