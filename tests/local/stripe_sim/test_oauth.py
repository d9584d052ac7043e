"""Connect, as a browser and Stripe's own SDK go through it."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import stripe as sdk

from vaultra_local.stripe_sim.small_accounts import YEN_ID

CLIENT = "ca_test"
KEY = "sk_test_platform"
BACK = "http://127.0.0.1:9/callback?from=stripe"


def platform_at(url: str) -> Any:
    """The SDK, pointed at the simulator."""
    return sdk.StripeClient(KEY, base_addresses={"api": url, "connect": url}, client_id=CLIENT)


def authorize_url(url: str) -> str:
    """Where the owner's browser goes."""
    params = {"state": "st4te", "scope": "read_only", "redirect_uri": BACK, "response_type": "code"}
    return str(platform_at(url).oauth.authorize_url(params=params))


def answered(response: httpx.Response) -> dict[str, str]:
    """What the browser carries back to the platform."""
    assert response.status_code == 303
    location = urlsplit(response.headers["location"])
    assert response.headers["location"].startswith("http://127.0.0.1:9/callback?")
    return {name: values[0] for name, values in parse_qs(location.query).items()}


def test_the_whole_way_through_stripes_sdk(small: Any, web: httpx.Client) -> None:
    with small(secret_key=KEY, client_id=CLIENT) as (stripe, _):
        back = answered(web.get(authorize_url(stripe.url) + f"&sim_account={YEN_ID}"))
        assert (back["from"], back["state"], back["scope"]) == ("stripe", "st4te", "read_only")
        platform = platform_at(stripe.url)
        grant = {"grant_type": "authorization_code", "code": back["code"]}
        token = platform.oauth.token(params=grant)
        assert (token.stripe_user_id, token.livemode, token.scope) == (YEN_ID, True, "read_only")
        assert (token.token_type, token.refresh_token[:3]) == ("bearer", "rt_")
        assert token.access_token.startswith("sk_live_")
        assert token.stripe_publishable_key.startswith("pk_live_")

        with pytest.raises(sdk.oauth_error.InvalidGrantError, match="Authorization code does not exist"):
            platform.oauth.token(params=grant)

        charges = platform.v1.charges.list({"limit": 100}, options={"stripe_account": YEN_ID})
        assert len(list(charges.auto_paging_iter())) == 240
        raw = platform.raw_request("get", "/v1/charges?limit=3", stripe_account=YEN_ID)
        assert len(platform.deserialize(raw.data, api_mode="V1").data) == 3
        assert (
            len(sdk.StripeClient(token.access_token, base_addresses={"api": stripe.url}).v1.payouts.list().data) == 10
        )

        gone = platform.oauth.deauthorize(params={"stripe_user_id": YEN_ID})
        assert gone.stripe_user_id == YEN_ID
        with pytest.raises(sdk.PermissionError) as refused:
            platform.v1.charges.list(options={"stripe_account": YEN_ID})
        assert "does not have access to account" in str(refused.value)
        with pytest.raises(sdk.oauth_error.InvalidClientError):
            platform.oauth.deauthorize(params={"stripe_user_id": YEN_ID})

        again = answered(web.get(authorize_url(stripe.url) + f"&sim_account={YEN_ID}"))
        platform.oauth.token(params={**grant, "code": again["code"]})
        assert platform.v1.charges.list(options={"stripe_account": YEN_ID}).data


def test_the_page_asks_without_javascript_and_says_what_it_is(small: Any, web: httpx.Client) -> None:
    with small(secret_key=KEY, client_id=CLIENT) as (stripe, _):
        page = web.get(authorize_url(stripe.url))
        assert page.status_code == 200
        assert "this is not Stripe" in page.text
        assert f'value="{YEN_ID}"' in page.text
        assert 'name="state" value="st4te"' in page.text
        assert "<script" not in page.text
        fields = {"client_id": CLIENT, "state": "st4te", "redirect_uri": BACK, "scope": "read_only"}
        chosen = {**fields, "account": YEN_ID, "decision": "connect"}
        assert "code" in answered(web.post(f"{stripe.url}/oauth/authorize", data=chosen))
        denied = answered(web.post(f"{stripe.url}/oauth/authorize", data={**fields, "decision": "deny"}))
        assert denied["error"] == "access_denied"
        assert denied["error_description"]
        assert denied["state"] == "st4te"
        assert "code" not in denied


def test_nothing_from_the_link_becomes_markup(small: Any, web: httpx.Client) -> None:
    with small() as (stripe, _):
        query = {"client_id": CLIENT, "redirect_uri": BACK, "state": '"><script>alert(1)</script>'}
        assert "<script" not in web.get(f"{stripe.url}/oauth/authorize", params=query).text


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "ca_other"},
        {"redirect_uri": "javascript:alert(1)"},
        {"response_type": "token"},
        {"sim_account": "acct_other"},
    ],
)
def test_a_wrong_link_is_refused_without_redirect(small: Any, change: dict[str, str], web: httpx.Client) -> None:
    with small(client_id=CLIENT) as (stripe, _):
        query = {"client_id": CLIENT, "redirect_uri": BACK, "sim_account": YEN_ID, **change}
        assert web.get(f"{stripe.url}/oauth/authorize", params=query).status_code == 400


def test_a_code_grows_old_and_a_wrong_key_gets_nothing(small: Any, web: httpx.Client) -> None:
    moment = [1_800_000_000]
    with small(secret_key=KEY, client_id=CLIENT, now=lambda: moment[0]) as (stripe, _):
        code = answered(web.get(authorize_url(stripe.url) + f"&sim_account={YEN_ID}"))["code"]
        form = {"grant_type": "authorization_code", "code": code, "client_secret": "sk_test_wrong"}
        assert web.post(f"{stripe.url}/oauth/token", data=form).json()["error"] == "invalid_client"
        moment[0] += 301
        late = web.post(f"{stripe.url}/oauth/token", data={**form, "client_secret": KEY})
        assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")
