"""What the gateway says when it does not take a delivery: status, rule, reason, remedy; never the body."""

from dataclasses import dataclass
from typing import Any

RETRY_AFTER_S = 5

# rule -> (status, remedy). A rule that the engine's reader adds later falls back to 422.
REMEDIES: dict[str, tuple[int, str]] = {
    "missing_token": (401, "Put the token into the address (?t=…) or into the header Authorization: Bearer …"),
    "wrong_token": (401, "Use the token of ROLECALL_GATEWAY_TOKENS, or the callback_url from POST /v1/launches"),
    "wrong_signature": (401, "Sign the raw body with the secret of ROLECALL_TOOL_SECRET (HMAC-SHA256, hex)"),
    "token_too_narrow": (403, "Use the tenant's own token here; a conversation's token may only deliver"),
    "wrong_conversation": (403, "Use the callback_url that was issued for this conversation"),
    "wrong_tenant": (403, "Send each tenant's records with that tenant's token"),
    "unknown_tenant": (404, "Add the tenant to ROLECALL_GATEWAY_TOKENS, or send its token in the address (?t=…)"),
    "unknown_route": (404, "See /docs for the routes"),
    "wrong_method": (405, "See /docs for the routes"),
    "slow_body": (408, "Send the body faster, or in smaller batches"),
    "empty_body": (400, "Send the delivery as JSON"),
    "malformed_json": (400, "Send UTF-8 JSON; a relay batch holds one JSON object a line"),
    "too_large": (413, "Split the batch, or raise ROLECALL_MAX_BODY_BYTES"),
    "too_deep": (422, "Flatten the body; nesting this deep is no engine format"),
    "too_many": (422, "Send the records in several requests"),
    "unstorable": (422, "Mend the text of the delivery: it holds characters that no database takes"),
    "invalid_launch": (422, "See docs/gateway.md for the fields of a launch"),
    "busy": (503, "Send it again after the time in Retry-After"),
    "unavailable": (503, "Send it again after the time in Retry-After; the operator sees the cause at /healthz"),
    "internal": (500, "Report the time to the operator, whose log names the place; send the delivery again later"),
}
FALLBACK = (422, "Compare the body with the examples in /docs")


@dataclass
class Refusal(Exception):  # noqa: N818 - an answer to the sender, not a fault of ours
    """One delivery that was not taken. ``reason`` never quotes the body or a token."""

    rule: str
    reason: str

    @property
    def status(self) -> int:
        """HTTP status of the rule."""
        return REMEDIES.get(self.rule, FALLBACK)[0]

    @property
    def line(self) -> dict[str, Any]:
        """The answer's body, or one line of a batch's answer."""
        return {"rule": self.rule, "reason": self.reason, "remedy": REMEDIES.get(self.rule, FALLBACK)[1]}

    @property
    def headers(self) -> dict[str, str]:
        """``Retry-After`` where trying again helps, the scheme where a token is missing."""
        if self.status == 503:
            return {"Retry-After": str(RETRY_AFTER_S)}
        return {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
