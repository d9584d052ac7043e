"""The built site as files: its pages, the scripts each of them loads, and what is written into them."""

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

from vaultra_local.gateway import SITE

# A CDN compresses as it goes, and no harder than this.
GZIP_LEVEL = 6
# Written by hand in the bundles' minified form: `from"./a.js"`, `import"./a.js"`.
_STATIC = re.compile(r"""(?:from|import)\s*["'](\.{1,2}/[^"']+\.js)["']""")
_DYNAMIC = re.compile(r"""import\(\s*["'`](\.{1,2}/[^"'`]+\.js)["'`]""")


@dataclass
class Page(HTMLParser):
    """One page of the site. `path` is its address, `links` what it leads to, `ids` what may stand behind a `#`.

    `preloads` are the scripts that its head names, so that they are fetched at once.
    """

    path: str
    file: Path
    links: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    scripts: list[str] = field(default_factory=list)
    preloads: list[str] = field(default_factory=list)
    islands: list[str] = field(default_factory=list)
    inline: dict[str, list[str]] = field(default_factory=lambda: {"script": [], "style": []})
    unsafe: list[str] = field(default_factory=list)
    policy: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._within: str | None = None
        self.feed(self.file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.unsafe += [f"{tag} {name}" for name in found if name == "style" or name.startswith("on")]
        if "id" in found:
            self.ids.add(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "link" and found.get("rel") == "modulepreload":
            self.preloads.append(found["href"])
        if tag == "script" and "src" in found:
            self.scripts.append(found["src"])
        if tag in self.inline and "src" not in found:
            self._within = tag
        if tag == "astro-island":
            self.islands += [found[name] for name in ("component-url", "renderer-url") if found.get(name)]
        if tag == "meta" and found.get("http-equiv", "").lower() == "content-security-policy":
            self.policy = found["content"]

    def handle_data(self, data: str) -> None:
        if self._within is not None:
            self.inline[self._within].append(data)
            self._within = None

    def handle_endtag(self, tag: str) -> None:
        if tag == self._within:
            self._within = None

    def scripts_at_once(self) -> frozenset[str]:
        """The addresses of its scripts and of all that they import, except for what may come later."""
        return _reachable(self.scripts + self.islands, _STATIC)

    def script_bytes(self) -> tuple[int, int]:
        """The gzipped bytes of its scripts: those it loads at once, and those it may load later."""
        at_once = self.scripts_at_once()
        later = _reachable(sorted(at_once), re.compile(f"{_STATIC.pattern}|{_DYNAMIC.pattern}")) - at_once
        return sum(map(_size, at_once)), sum(map(_size, later))


def hash_of(text: str) -> str:
    """How a content security policy names an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def pages() -> list[Page]:
    """Every page, in the order of their addresses; the page for what is missing is at `/404.html`."""
    found = [Page(_address(file), file) for file in SITE.rglob("*.html")]
    return sorted(found, key=lambda page: page.path)


def _address(file: Path) -> str:
    path = "/" + file.relative_to(SITE).as_posix()
    return path.removesuffix("index.html")


def _reachable(first: list[str], imports: re.Pattern[str]) -> frozenset[str]:
    """The scripts' addresses, with what they import and so on."""
    seen: set[str] = set()
    waiting = list(first)
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        folder = address.rpartition("/")[0]
        for groups in imports.findall(_text(address)):
            name = "".join(groups)
            waiting.append(_joined(folder, name))
    return frozenset(seen)


def _joined(folder: str, name: str) -> str:
    parts = [part for part in f"{folder}/{name}".split("/") if part not in ("", ".")]
    while ".." in parts:
        at = parts.index("..")
        del parts[at - 1 : at + 1]
    return "/" + "/".join(parts)


@cache
def _text(address: str) -> str:
    return SITE.joinpath(urlsplit(address).path[1:]).read_text(encoding="utf-8")


@cache
def _size(address: str) -> int:
    return len(gzip.compress(_text(address).encode(), GZIP_LEVEL))
