"""Stripe's error answers, as exceptions that the API turns into JSON."""

from vaultra_local.stripe_sim.shapes import Json

DOC_URL = "https://docs.stripe.com/error-codes/"


class StripeError(Exception):
    """An answer other than 200.

    Args:
        status: The HTTP status.
        message: For people.
        code: Stripe's error code, None when there is none.
        param: The parameter at fault.
        error_type: Stripe's error type.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        error_type: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.type = error_type

    def body(self, request_id: str) -> Json:
        """The error envelope; what is not set is left out, as Stripe does."""
        error: Json = {"message": self.message, "type": self.type}
        if self.code:
            error |= {"code": self.code, "doc_url": DOC_URL + self.code.replace("_", "-")}
        if self.param:
            error["param"] = self.param
        if self.status != 401:
            error["request_log_url"] = f"https://dashboard.stripe.com/logs/{request_id}"
        return {"error": error}


def missing(kind: str, object_id: str, param: str = "id", status: int = 404) -> StripeError:
    """The answer for an object that is not there; a cursor that is not there is a 400."""
    name = kind.removeprefix("radar.")
    return StripeError(status, f"No such {name}: '{object_id}'", code="resource_missing", param=param)


def account_invalid(key: str, account_id: str) -> StripeError:
    """The answer for an account that never let the platform in, or no longer does."""
    shown = f"{key[:8]}***{key[-4:]}"
    return StripeError(
        403,
        f"The provided key '{shown}' does not have access to account '{account_id}' (or that account does not "
        "exist). Application access may have been revoked.",
        code="account_invalid",
    )
