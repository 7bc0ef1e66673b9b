"""WebVTT captions with their words masked; times, voices and everything else stay byte for byte."""

import html
import re

from governance.privacy.scan import Scanner

_TAGS = re.compile(r"(</?[a-z][^<>]*>)")


def masked_captions(webvtt: str, scanner: Scanner) -> str:
    """The captions with the words of each cue masked."""
    shown, in_cue = [], False
    for line in webvtt.split("\n"):
        shown.append(_masked(line, scanner) if in_cue else line)
        in_cue = bool(line) and (in_cue or "-->" in line)
    return "\n".join(shown)


def _masked(line: str, scanner: Scanner) -> str:
    parts = _TAGS.split(line)
    return "".join(part if _TAGS.fullmatch(part) else _words(part, scanner) for part in parts)


def _words(part: str, scanner: Scanner) -> str:
    words = html.unescape(part)
    masked = scanner.masked(words)
    return part if masked == words else html.escape(masked, quote=False)
