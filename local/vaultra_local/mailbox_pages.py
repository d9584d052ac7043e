"""The mailbox in the browser: a list of mails, and one mail at a time."""

import datetime as dt
from email.utils import parsedate_to_datetime
from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vaultra_local.mailbox import Mailbox, StoredMail
from vaultra_local.pages import page

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
main{max-width:46rem}
a{color:var(--accent)}
ul{list-style:none;margin:0;padding:0}
li{border-top:1px solid var(--line);padding:.8rem 0}
li a{display:block;font-weight:600;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:auto 1fr;gap:.2rem 1rem;margin:0 0 1.2rem;font-size:.9rem}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
iframe{display:block;width:100%;height:34rem;border:1px solid var(--line);border-radius:10px;background:#fff}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem}
summary{cursor:pointer;margin-top:1.2rem}
"""
NOTE = (
    "<b>This is a mailbox of this machine: nothing left it.</b> Whatever the product mails, to whomever, is kept here."
)


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
    if mail.header("List-Unsubscribe"):
        facts["One click ends it at"] = mail.header("List-Unsubscribe").strip("<>")
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


def _page(title: str, body: str, status: int = 200) -> Response:
    return page(title, body, note=NOTE, style=STYLE, headers=SECURITY, status=status)
