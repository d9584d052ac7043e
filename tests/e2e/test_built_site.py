"""The built site's files: what each page loads and allows, where its links lead, and the articles' anchors."""

import re
from urllib.parse import urlsplit

import pytest

from tests.e2e.browsers import BUILT
from tests.e2e.built_site import Page, hash_of, pages
from vaultra_local.articles import read_all
from vaultra_local.gateway import SITE
from vaultra_local.site import INLINE_SCRIPTS, INLINE_STYLES, POLICY

pytestmark = pytest.mark.skipif(not BUILT, reason="needs `make site`")

KB = 1000
STATIC_BUDGET, DASHBOARD_BUDGET = 5 * KB, 130 * KB
# Before all others, and no module: it keeps the theme from flashing.
BOOT = "/boot.js"
# A chart library is loaded here and nowhere else; a form's pages bring the API's client along.
METRICS, FORMS = "/dashboard/metrics/", ("/auth/", "/onboarding/business/", "/unsubscribe/")
FORM_BUDGET = 12 * KB


def test_no_page_loads_more_script_than_its_budget() -> None:
    table = {page.path: page.script_bytes() for page in pages()}
    print("\n| page | script at once, gzip KB | later |")
    print("|---|---|---|")
    for path, (at_once, later) in table.items():
        print(f"| {path} | {at_once / KB:.1f} | {later / KB:.1f} |")
    over = {path: at_once for path, (at_once, _) in table.items() if at_once > _budget(path)}
    assert over == {}
    assert all(at_once > 0 for at_once, _ in table.values()), "nothing was counted"
    assert table["/dashboard/"][0] > 60 * KB, "the islands were not counted"


def _budget(path: str) -> float:
    if path == METRICS:
        return float("inf")
    if path.startswith("/dashboard/") or path == "/onboarding/stripe-connect/":
        return DASHBOARD_BUDGET
    return FORM_BUDGET if path.startswith(FORMS) else STATIC_BUDGET


def test_a_page_with_islands_fetches_all_its_scripts_at_once() -> None:
    with_islands = [page for page in pages() if page.islands]
    for page in with_islands:
        assert {*page.preloads, BOOT} == page.scripts_at_once(), page.path
        assert len(page.preloads) == len(set(page.preloads)), page.path
    assert [page.path for page in pages() if page.preloads] == [page.path for page in with_islands]
    hints = sum(len(page.preloads) for page in with_islands)
    print(f"\n{len(with_islands)} pages with islands, {hints} scripts named in their heads")


def test_the_header_admits_what_is_written_into_the_pages_and_nothing_unsafe() -> None:
    """RELIABILITY B12, the files' half."""
    found = pages()
    scripts = {hash_of(text) for page in found for text in page.inline["script"]}
    styles = {hash_of(text) for page in found for text in page.inline["style"]}
    assert scripts
    assert scripts <= set(INLINE_SCRIPTS)
    assert styles <= set(INLINE_STYLES)
    for policy in (POLICY, *(page.policy for page in found)):
        assert "default-src 'self'" in policy
        assert "script-src 'self' 'sha256-" in policy
        assert re.findall(r"unsafe-\w+|\*|https?:|data:|blob:", policy) == []
    assert "frame-ancestors 'none'" in POLICY
    assert {page.path: page.unsafe for page in found if page.unsafe} == {}
    print(f"\n{len(found)} pages, {len(scripts)} inline scripts and {len(styles)} styles, all named by the header")


def test_every_link_of_every_page_leads_somewhere() -> None:
    found = {page.path: page for page in pages()}
    links = [(page.path, link) for page in found.values() for link in page.links if not _is_elsewhere(link)]
    assert [each for each in links if not _leads_somewhere(found, *each)] == []
    assert {link for _, link in links} >= {"/help/", "/auth/signup/", "/dashboard/"}
    print(f"\n{len(links)} links on {len(found)} pages")


def _is_elsewhere(link: str) -> bool:
    return urlsplit(link).scheme in ("http", "https", "mailto") or link.startswith("/api/")


def _leads_somewhere(found: dict[str, Page], path: str, link: str) -> bool:
    target = urlsplit(link)
    page = found.get(target.path or path)
    if page is None:
        return SITE.joinpath(target.path[1:]).is_file()
    # What an island shows is not in the file; the browser's tests follow those.
    return not target.fragment or target.fragment in page.ids or bool(page.islands)


def test_each_article_is_a_page_with_the_anchors_that_are_cited() -> None:
    found = {page.path: page for page in pages()}
    articles = read_all()
    for article in articles:
        page = found[f"/help/{article.doc_id}/"]
        text = page.file.read_text(encoding="utf-8")
        anchors = re.findall(r'<h2 id="([^"]+)"', text)
        slugs = [section.slug for section in article.sections]
        assert [anchor for anchor in anchors if anchor in slugs] == slugs, article.doc_id
        assert not any(link.partition("#")[0].endswith(".md") for link in page.links), article.doc_id
        shown = {link for link in page.links if link.startswith("https://")}
        assert shown >= {reference.url for reference in article.references if reference.url}, article.doc_id
        assert f'datetime="{article.updated}"' in text, article.doc_id
    index = found["/help/"]
    assert {f"/help/{article.doc_id}/" for article in articles} <= set(index.links)
    print(f"\n{len(articles)} articles, {sum(len(article.sections) for article in articles)} sections")
