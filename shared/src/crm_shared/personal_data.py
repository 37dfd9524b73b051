"""Personal data at rest: encrypted, findable by equality, masked for display.

AES-256-GCM with a nonce derived from the value (HMAC-SHA-256, 96 bits), so that the same value
gives the same bytes and a batch can be repeated; equality of values is therefore visible, as it is
in the blind index anyway. The first byte names the algorithm, so another (SM4) can follow.
"""

import base64
import binascii
import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crm_shared.errors import ContractError, UsageError

_AES_256_GCM = b"\x01"
_NONCE = 12


def mask(value: str) -> str:
    """Show the first three and last four characters at most, and never more than half."""
    shown_end = min(4, len(value) // 4)
    shown_start = min(3, len(value) // 4)
    hidden = len(value) - shown_start - shown_end
    return value[:shown_start] + "*" * hidden + value[len(value) - shown_end :]


class Protector:
    """Encrypts and finds personal values under one 32-byte key (base64 in `CRM_DATA_KEY`)."""

    def __init__(self, key: str) -> None:
        try:
            secret = base64.b64decode(key, validate=True)
        except (binascii.Error, ValueError):
            secret = b""
        if len(secret) != 32:
            raise UsageError("CRM_DATA_KEY must be 32 bytes in base64; create one and keep it.")
        self._cipher = AESGCM(hmac.digest(secret, b"encrypt", "sha256"))
        self._nonce_key = hmac.digest(secret, b"nonce", "sha256")
        self._index_key = hmac.digest(secret, b"index", "sha256")

    def encrypt(self, value: str) -> bytes:
        """The stored form of a value."""
        plain = value.encode()
        nonce = hmac.digest(self._nonce_key, plain, "sha256")[:_NONCE]
        return _AES_256_GCM + nonce + self._cipher.encrypt(nonce, plain, None)

    def decrypt(self, stored: bytes) -> str:
        """The value again; `ContractError` if the bytes were not made with this key."""
        if stored[:1] != _AES_256_GCM:
            raise ContractError("This value was encrypted by an unknown algorithm.")
        nonce, sealed = stored[1 : 1 + _NONCE], stored[1 + _NONCE :]
        try:
            return self._cipher.decrypt(nonce, sealed, None).decode()
        except InvalidTag:
            raise ContractError(
                "This value was encrypted with another key; check CRM_DATA_KEY."
            ) from None

    def blind_index(self, value: str) -> bytes:
        """A keyed hash of the value, equal for equal values: search by it, never show it."""
        return hmac.digest(self._index_key, value.strip().upper().encode(), hashlib.sha256)[:16]
