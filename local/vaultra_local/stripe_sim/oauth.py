"""Connect's OAuth: the page that asks the owner, the token endpoint, the way back."""

import html
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from vaultra_local.stripe_sim.api import parse_query
from vaultra_local.stripe_sim.ids import suffix
from vaultra_local.stripe_sim.shapes import Json
from vaultra_local.stripe_sim.simulator import Simulator, UnknownAccount

STYLE = """
:root{color-scheme:light dark;--page:#f4f5f8;--card:#fff;--ink:#1b2033;--soft:#5b6378;--line:#dfe2ea;--accent:#4b46c8;
--on-accent:#fff;--warn:#fff6dc;--warn-ink:#5c4600}
@media(prefers-color-scheme:dark){:root{--page:#12141c;--card:#1b1f2b;--ink:#eceef6;--soft:#a3aac0;--line:#343a4d;
--accent:#a6a2ff;--on-accent:#14122e;--warn:#3a3117;--warn-ink:#ffe4a0}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:min(34rem,100%);background:var(--card);border:1px solid var(--line);border-radius:14px;overflow:hidden}
.note{margin:0;padding:.7rem 1.75rem;background:var(--warn);color:var(--warn-ink);font-size:.9rem}
.body{padding:1.5rem 1.75rem 1.75rem}
h1{font-size:1.35rem;line-height:1.3;margin:0 0 .4rem}
p{margin:0 0 1.1rem;color:var(--soft)}
fieldset{border:0;margin:0 0 1.4rem;padding:0;display:grid;gap:.6rem}
legend{padding:0;margin-bottom:.6rem;font-weight:600}
label{display:grid;grid-template-columns:auto 1fr;gap:0 .8rem;align-items:start;padding:.8rem .95rem;
border:1px solid var(--line);border-radius:10px;cursor:pointer}
label:has(:checked){border-color:var(--accent);box-shadow:inset 0 0 0 1px var(--accent)}
input[type=radio]{accent-color:var(--accent);width:1.1rem;height:1.1rem;margin:.2rem 0 0}
strong{display:block}
small{color:var(--soft);font-size:.875rem}
code{display:block;font-size:.8rem;color:var(--soft);overflow-wrap:anywhere}
.actions{display:flex;flex-wrap:wrap;gap:.75rem}
button{flex:1 1 9rem;font:inherit;font-weight:600;padding:.7rem 1rem;border-radius:10px;border:1px solid var(--line);
background:transparent;color:inherit;cursor:pointer}
button[value=connect]{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
"""


def page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """A whole page, with the note that this is not Stripe."""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main>"
        '<p class="note"><b>Stripe simulator: this is not Stripe.</b> It runs on this machine; no real account is '
        f'involved.</p><div class="body">{body}</div></main></body></html>'
    )
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Cache-Control": "no-store"}
    return HTMLResponse(text, status, headers)


async def authorize(request: Request) -> Response:
    """GET shows the page; POST decides. A `sim_account` in the query (or `account` in the form) decides at once.

    `sim_decision` (form: `decision`) is `connect`, the default, or `deny`.
    """
    simulator: Simulator = request.app.state.simulator
    query = {name: values[-1] for name, values in parse_query(request.url.query).items()}
    form = {name: values[-1] for name, values in parse_query((await request.body()).decode()).items()}
    given = {**query, **form}
    client_id, redirect_uri = given.get("client_id", ""), given.get("redirect_uri", "")
    if not client_id or simulator.client_id not in (None, client_id):
        return _refuse(f"No application matches the client id '{client_id}'.")
    if not redirect_uri.startswith(("http://", "https://")):
        return _refuse("The link misses a redirect_uri that starts with http:// or https://.")
    if given.get("response_type", "code") != "code":
        return _refuse("The response_type has to be 'code'.")
    state = {"state": given["state"]} if "state" in given else {}
    account_id = form.get("account") or query.get("sim_account")
    decision = form.get("decision") or query.get("sim_decision") or ("connect" if account_id else None)
    if decision == "deny":
        denied = {"error": "access_denied", "error_description": "The user denied your request"}
        return _back(redirect_uri, {**denied, **state})
    if decision == "connect":
        scope = given.get("scope", "read_only")
        try:
            code = simulator.new_code(account_id or "", scope)
        except UnknownAccount:
            return _refuse(f"There is no account '{account_id}' here.")
        return _back(redirect_uri, {"scope": scope, "code": code, **state})
    return _ask(simulator, {name: query[name] for name in query if not name.startswith("sim_")})


def _back(redirect_uri: str, parameters: dict[str, str]) -> Response:
    joint = "&" if "?" in redirect_uri else "?"
    return RedirectResponse(f"{redirect_uri}{joint}{urlencode(parameters)}", 303)


def _refuse(message: str) -> Response:
    return page("Cannot connect", f"<h1>Cannot connect</h1><p>{html.escape(message)}</p>", 400)


def _ask(simulator: Simulator, carried: dict[str, str]) -> Response:
    hidden = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in carried.items()
    )
    choices = "".join(
        f'<label><input type="radio" name="account" value="{html.escape(account.id)}"{" checked" if first else ""}>'
        f"<span><strong>{html.escape(account.name)}</strong><small>{html.escape(account.about)}</small> "
        f"<code>{html.escape(account.id)}</code></span></label>"
        for first, account in zip([True] + [False] * len(simulator.accounts), simulator.accounts.values(), strict=False)
    )
    return page(
        "Connect an account",
        "<h1>Vaultra would like to read an account</h1>"
        "<p>It asks for read-only access to payments, payouts, disputes and subscriptions.</p>"
        f'<form method="post" action="/oauth/authorize">{hidden}<fieldset><legend>Which account?</legend>{choices}'
        '</fieldset><div class="actions"><button name="decision" value="connect">Connect</button>'
        '<button name="decision" value="deny">Deny</button></div></form>',
    )


def _failed(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status)


async def _parameters(request: Request) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_query((await request.body()).decode()).items()}


def _secret(request: Request, form: dict[str, str]) -> str:
    return form.get("client_secret") or request.headers.get("authorization", "").partition(" ")[2]


async def token(request: Request) -> Response:
    """Trade a code, or a refresh token, for access."""
    simulator: Simulator = request.app.state.simulator
    form = await _parameters(request)
    secret = _secret(request, form)
    if not secret or simulator.secret_key not in (None, secret):
        return _failed(401, "invalid_client", "No such API key, or none was provided.")
    grant_type = form.get("grant_type", "")
    if grant_type == "authorization_code":
        code = form.get("code", "")
        redeemed = simulator.redeem(code)
        if redeemed is None:
            return _failed(400, "invalid_grant", f"Authorization code does not exist: {code}")
        account_id, scope = redeemed
    elif grant_type == "refresh_token":
        known = simulator.refresh_tokens.get(form.get("refresh_token", ""))
        if known is None or known in simulator.revoked:
            return _failed(400, "invalid_grant", f"Refresh token does not exist: {form.get('refresh_token', '')}")
        account_id, scope = known, form.get("scope", "read_only")
    else:
        return _failed(400, "unsupported_grant_type", f"Grant type '{grant_type}' is not supported.")
    access, refresh = simulator.grant(account_id)
    livemode = simulator.accounts[account_id].livemode
    body: Json = {
        "access_token": access,
        "livemode": livemode,
        "refresh_token": refresh,
        "token_type": "bearer",
        "stripe_publishable_key": f"pk_{'live' if livemode else 'test'}_{suffix(account_id, 'publishable')}",
        "stripe_user_id": account_id,
        "scope": scope,
    }
    return JSONResponse(body)


async def deauthorize(request: Request) -> Response:
    """Give the access back; the account then tells of it by a webhook."""
    simulator: Simulator = request.app.state.simulator
    form = await _parameters(request)
    secret = _secret(request, form)
    if not secret or simulator.secret_key not in (None, secret):
        return _failed(401, "invalid_client", "No such API key, or none was provided.")
    client_id, account_id = form.get("client_id", ""), form.get("stripe_user_id", "")
    if simulator.client_id not in (None, client_id):
        return _failed(401, "invalid_client", f"No such application: '{client_id}'")
    if account_id not in simulator.accounts or account_id in simulator.revoked:
        message = f"This application is not connected to stripe account {account_id}, or that account does not exist."
        return _failed(401, "invalid_client", message)
    simulator.revoke(account_id)
    return JSONResponse({"stripe_user_id": account_id})
