"""Signatures by Standard Webhooks (https://www.standardwebhooks.com), version 1: HMAC-SHA256."""

import base64
import hmac

from crm_shared.errors import UsageError

_PREFIX = "whsec_"


def keys(secrets: str) -> list[bytes]:
    """The keys of secrets with spaces between; a `UsageError` says what is wrong with one."""
    return [_key(one) for one in secrets.split()]


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(_PREFIX) or not 24 <= len(key) <= 64:
        raise UsageError(
            "OCRM_NOTIFY_WEBHOOK_SECRET must be whsec_ and 24 to 64 bytes in base64; make one with"
            ' echo "whsec_$(openssl rand -base64 32)".'
        )
    return key


def headers(with_keys: list[bytes], webhook_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers of a message at a time in seconds since 1970; a signature for each key."""
    content = f"{webhook_id}.{seconds}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in with_keys
    ]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signatures),
    }
