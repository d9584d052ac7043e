"""Which text from outside may name the page of our own site to go to next."""

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

# RFC 3986: path, query and fragment of a link as a browser writes it. No host fits, nor a backslash or a space.
_PLAIN = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?#-]|%[0-9A-Fa-f]{2})*")
# Whoever encodes more often than this hides something.
_MOST_DECODINGS = 4
# Signing in must not lead back into signing in, nor to an answer that is no page.
_NOT_FOR_PEOPLE = {"auth", "api"}


def own_path(text: str) -> str | None:
    """The text itself when it is a path of our own site, with or without query and fragment; None otherwise.

    It is read as every later reader might: percent-decoded once or several times, with look-alikes of the
    slash taken for it. None of these readings may leave the site, climb out of its folder or end a header.
    """
    if _PLAIN.fullmatch(text) is None:
        return None
    try:
        readings = list(_readings(text))
    except UnicodeDecodeError:
        return None
    fully_decoded = unquote(readings[-1]) == readings[-1]
    return text if fully_decoded and all(_stays(reading) for reading in readings) else None


def _readings(text: str) -> Iterator[str]:
    for _ in range(_MOST_DECODINGS + 1):
        yield unicodedata.normalize("NFKC", text)
        decoded = unquote(text, errors="strict")
        if decoded == text:
            return
        text = decoded


def _stays(reading: str) -> bool:
    if "//" in reading or "\\" in reading or any(unicodedata.category(sign)[0] in "CZ" for sign in reading):
        return False
    segments = re.split(r"[?#]", reading, maxsplit=1)[0].lower().split("/")[1:]
    return segments[0] not in _NOT_FOR_PEOPLE and not {".", ".."} & set(segments)
