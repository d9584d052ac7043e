"""Connect's OAuth: the page that asks the owner, the token endpoint, the way back."""

import html

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vaultra_local.pages import Choice, choice_form, page, send_back
from vaultra_local.stripe_sim.api import parse_query
from vaultra_local.stripe_sim.ids import suffix
from vaultra_local.stripe_sim.shapes import Json
from vaultra_local.stripe_sim.simulator import Simulator, UnknownAccount

NOTE = "<b>Stripe simulator: this is not Stripe.</b> It runs on this machine; no real account is involved."


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
        return send_back(redirect_uri, {**denied, **state})
    if decision == "connect":
        scope = given.get("scope", "read_only")
        try:
            code = simulator.new_code(account_id or "", scope)
        except UnknownAccount:
            return _refuse(f"There is no account '{account_id}' here.")
        return send_back(redirect_uri, {"scope": scope, "code": code, **state})
    return _ask(simulator, {name: query[name] for name in query if not name.startswith("sim_")})


def _refuse(message: str) -> Response:
    return page("Cannot connect", f"<h1>Cannot connect</h1><p>{html.escape(message)}</p>", note=NOTE, status=400)


def _ask(simulator: Simulator, carried: dict[str, str]) -> Response:
    form = choice_form(
        "/oauth/authorize",
        carried,
        name="account",
        legend="Which account?",
        choices=[
            Choice(account.id, account.name, account.about, account.id) for account in simulator.accounts.values()
        ],
        decisions={"connect": "Connect", "deny": "Deny"},
    )
    return page(
        "Connect an account",
        "<h1>Vaultra would like to read an account</h1>"
        f"<p>It asks for read-only access to payments, payouts, disputes and subscriptions.</p>{form}",
        note=NOTE,
    )


def _failed(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status)


async def _parameters(request: Request) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_query((await request.body()).decode()).items()}


def _is_platform(simulator: Simulator, request: Request, form: dict[str, str]) -> bool:
    secret = form.get("client_secret") or request.headers.get("authorization", "").partition(" ")[2]
    return bool(secret) and simulator.secret_key in (None, secret)


async def token(request: Request) -> Response:
    """Trade a code, or a refresh token, for access."""
    simulator: Simulator = request.app.state.simulator
    form = await _parameters(request)
    if not _is_platform(simulator, request, form):
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
    if not _is_platform(simulator, request, form):
        return _failed(401, "invalid_client", "No such API key, or none was provided.")
    client_id, account_id = form.get("client_id", ""), form.get("stripe_user_id", "")
    if simulator.client_id not in (None, client_id):
        return _failed(401, "invalid_client", f"No such application: '{client_id}'")
    if account_id not in simulator.accounts or account_id in simulator.revoked:
        message = f"This application is not connected to stripe account {account_id}, or that account does not exist."
        return _failed(401, "invalid_client", message)
    simulator.revoke(account_id)
    return JSONResponse({"stripe_user_id": account_id})
