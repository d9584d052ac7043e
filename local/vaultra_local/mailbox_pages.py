"""The mailbox in the browser: a list of mails, and one mail at a time."""

import datetime as dt
from email.utils import parsedate_to_datetime
from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from vaultra_local.mailbox import Mailbox, StoredMail

PATH = "/mailbox"
SECURITY = {
    # A mail's own page inherits this: no scripts, nothing fetched from anywhere.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
STYLE = """
:root{color-scheme:light dark;--page:#f4f5f8;--card:#fff;--ink:#1b2033;--soft:#5b6378;--line:#dfe2ea;--accent:#4b46c8;
--warn:#fff6dc;--warn-ink:#5c4600}
@media(prefers-color-scheme:dark){:root{--page:#12141c;--card:#1b1f2b;--ink:#eceef6;--soft:#a3aac0;--line:#343a4d;
--accent:#a6a2ff;--warn:#3a3117;--warn-ink:#ffe4a0}}
*{box-sizing:border-box}
body{margin:0;padding:1.5rem;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:46rem;margin:0 auto;background:var(--card);border:1px solid var(--line);border-radius:14px;
overflow:hidden}
.note{margin:0;padding:.7rem 1.75rem;background:var(--warn);color:var(--warn-ink);font-size:.9rem}
.body{padding:1.5rem 1.75rem 1.75rem}
h1{font-size:1.35rem;line-height:1.3;margin:0 0 .4rem;overflow-wrap:anywhere}
p{margin:0 0 1.1rem;color:var(--soft)}
a{color:var(--accent)}
ul{list-style:none;margin:0;padding:0}
li{border-top:1px solid var(--line);padding:.8rem 0}
li a{display:block;font-weight:600;overflow-wrap:anywhere}
small{color:var(--soft);font-size:.875rem;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:auto 1fr;gap:.2rem 1rem;margin:0 0 1.2rem;font-size:.9rem}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
iframe{display:block;width:100%;height:34rem;border:1px solid var(--line);border-radius:10px;background:#fff}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem}
summary{cursor:pointer;margin-top:1.2rem}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
"""


def mailbox_pages(mailbox: Mailbox) -> Starlette:
    """The pages below `/mailbox/`."""

    def show_list(_request: Request) -> Response:
        return _page("Mailbox", _list(mailbox))

    def show_mail(request: Request) -> Response:
        mail = mailbox.find_mail(request.path_params["mail_id"])
        if mail is None:
            return _page("No such mail", f"<h1>There is no such mail</h1><p>{_LINK_TO_LIST}</p>", 404)
        return _page(_subject(mail), _mail(mail))

    return Starlette(
        routes=[Route(f"{PATH}/", show_list), Route(f"{PATH}/{{mail_id}}/", show_mail)],
    )


_LINK_TO_LIST = f'<a href="{PATH}/">All mails</a>'


def _list(mailbox: Mailbox) -> str:
    items = "".join(
        f'<li><a href="{PATH}/{mail.id}/">{escape(_subject(mail))}</a>'
        f"<small>to {escape(mail.header('To'))} · {escape(_time(mail))}</small></li>"
        for mail in mailbox.list_mails()
    )
    if not items:
        return (
            "<h1>Mailbox</h1><p>No mail yet. Ask for a new password or invite somebody, and it arrives here within "
            f'a second or two. <a href="{PATH}/">Look again</a></p>'
        )
    return f'<h1>Mailbox</h1><p>Newest first. <a href="{PATH}/">Look again</a></p><ul>{items}</ul>'


def _mail(mail: StoredMail) -> str:
    facts = {"From": mail.header("From"), "To": mail.header("To"), "Sent": _time(mail)}
    rows = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    text, html = f"<pre>{escape(mail.part('plain'))}</pre>", mail.part("html")
    # Without allow-scripts and allow-same-origin a mail can neither run nor reach anything; its links open outside.
    frame = (
        '<iframe title="The mail" sandbox="allow-popups allow-popups-to-escape-sandbox" '
        f'srcdoc="{escape(_links_open_outside(html))}"></iframe><details><summary>As text</summary>{text}</details>'
    )
    return f"<p>{_LINK_TO_LIST}</p><h1>{escape(_subject(mail))}</h1><dl>{rows}</dl>{frame if html else text}"


def _links_open_outside(html: str) -> str:
    base = '<base target="_blank">'
    head, tag, rest = html.partition("<head>")
    return f"{head}{tag}{base}{rest}" if tag else base + html


def _subject(mail: StoredMail) -> str:
    return mail.header("Subject") or "(no subject)"


def _time(mail: StoredMail) -> str:
    try:
        at = parsedate_to_datetime(mail.header("Date")).astimezone(dt.UTC)
    except ValueError:
        return "at an unknown time"
    return f"{at.day} {at:%B %Y, %H:%M:%S} UTC"


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main>"
        '<p class="note"><b>This is a mailbox of this machine: nothing left it.</b> '
        "Whatever the product mails, to whomever, is kept here.</p>"
        f'<div class="body">{body}</div></main></body></html>'
    )
    return HTMLResponse(text, status, SECURITY)
