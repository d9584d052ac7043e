"""The push envelope of Pub/Sub, as the broker sends it."""

import base64
import json
from typing import Any


def envelope(body: Any, *, message_id: str = "1", attempt: int = 1, **message: Any) -> dict[str, Any]:
    """A delivery of a message with this JSON body."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    inner = {"data": base64.b64encode(data).decode(), "messageId": message_id, "attributes": {}, **message}
    return {"message": inner, "subscription": "projects/p/subscriptions/a-topic.a-room", "deliveryAttempt": attempt}
