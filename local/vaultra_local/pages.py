"""The look of the pages that stand in for others on this machine: the simulators' and the mailbox."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, RedirectResponse

# The site's colours (frontend/src/styles/global.css).
STYLE = """
:root{color-scheme:light dark;--page:#f6f6f3;--card:#fff;--ink:#14181b;--soft:#58606a;--line:#e2e3dd;--accent:#17624f;
--on-accent:#fff;--warn:#fbf0dc;--warn-ink:#835000}
@media(prefers-color-scheme:dark){:root{--page:#0e1112;--card:#161a1c;--ink:#eceeed;--soft:#a1abac;--line:#283033;
--accent:#63caac;--on-accent:#0d1614;--warn:#33270f;--warn-ink:#e5b15a}}
*{box-sizing:border-box}
body{margin:0;padding:1.5rem;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{margin:0 auto;background:var(--card);border:1px solid var(--line);border-radius:14px;overflow:hidden}
.note{margin:0;padding:.7rem 1.75rem;background:var(--warn);color:var(--warn-ink);font-size:.9rem}
.body{padding:1.5rem 1.75rem 1.75rem}
h1{font-size:1.35rem;line-height:1.3;margin:0 0 .4rem;overflow-wrap:anywhere}
p{margin:0 0 1.1rem;color:var(--soft)}
small{color:var(--soft);font-size:.875rem;overflow-wrap:anywhere}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
"""
ASKING_STYLE = """
body{min-height:100vh;display:grid;place-items:center}
main{width:min(34rem,100%)}
fieldset{border:0;margin:0 0 1.4rem;padding:0;display:grid;gap:.6rem}
legend{padding:0;margin-bottom:.6rem;font-weight:600}
label{display:grid;grid-template-columns:auto 1fr;gap:0 .8rem;align-items:start;padding:.8rem .95rem;
border:1px solid var(--line);border-radius:10px;cursor:pointer}
label:has(:checked){border-color:var(--accent);box-shadow:inset 0 0 0 1px var(--accent)}
input[type=radio]{accent-color:var(--accent);width:1.1rem;height:1.1rem;margin:.2rem 0 0}
strong{display:block}
code{display:block;font-size:.8rem;color:var(--soft);overflow-wrap:anywhere}
.actions{display:flex;flex-wrap:wrap;gap:.75rem}
button{flex:1 1 9rem;font:inherit;font-weight:600;padding:.7rem 1rem;border-radius:10px;border:1px solid var(--line);
background:transparent;color:inherit;cursor:pointer}
button:first-child{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
"""
# No scripts, nothing fetched from anywhere. Forms stay free: the answer to one leads back to the product's address.
SECURITY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Cache-Control": "no-store"}


@dataclass(frozen=True)
class Choice:
    """One of the things to choose from; `value` is what the form sends."""

    value: str
    name: str
    about: str
    detail: str


def page(
    title: str,
    body: str,
    *,
    note: str,
    style: str = ASKING_STYLE,
    headers: Mapping[str, str] = SECURITY,
    status: int = 200,
) -> HTMLResponse:
    """A whole page.

    Args:
        title: Text; it is escaped here.
        body: HTML.
        note: HTML; what the page is not, above everything else.
        style: Rules beside those of every page.
    """
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}{style}</style></head><body><main>"
        f'<p class="note">{note}</p><div class="body">{body}</div></main></body></html>'
    )
    return HTMLResponse(text, status, dict(headers))


def choice_form(
    action: str,
    carried: Mapping[str, str],
    *,
    name: str,
    legend: str,
    choices: Iterable[Choice],
    decisions: Mapping[str, str],
) -> str:
    """A form in HTML that asks which of several it is to be; the first is chosen already.

    Args:
        carried: What is sent along unseen.
        name: The name under which the chosen one's value is sent.
        decisions: The buttons' words by the value of `decision` that they send; the first stands out.
    """
    hidden = "".join(
        f'<input type="hidden" name="{escape(key)}" value="{escape(value)}">' for key, value in carried.items()
    )
    options = "".join(
        f'<label><input type="radio" name="{name}" value="{escape(choice.value)}"{" checked" * (not number)}>'
        f"<span><strong>{escape(choice.name)}</strong><small>{escape(choice.about)}</small> "
        f"<code>{escape(choice.detail)}</code></span></label>"
        for number, choice in enumerate(choices)
    )
    buttons = "".join(
        f'<button name="decision" value="{value}">{escape(words)}</button>' for value, words in decisions.items()
    )
    return (
        f'<form method="post" action="{action}">{hidden}<fieldset><legend>{escape(legend)}</legend>{options}'
        f'</fieldset><div class="actions">{buttons}</div></form>'
    )


def send_back(address: str, parameters: Mapping[str, str]) -> RedirectResponse:
    """Send the browser back to where it came from, with these parameters."""
    return RedirectResponse(f"{address}{'&' if '?' in address else '?'}{urlencode(parameters)}", 303)
