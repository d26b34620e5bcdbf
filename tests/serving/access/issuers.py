"""A real issuer on loopback, its keys and its tokens."""

from __future__ import annotations

from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

RSA = {name: rsa.generate_private_key(65537, 2048) for name in ("first", "second", "stranger")}


def public(key: Any, name: str, **more: str) -> dict[str, Any]:
    kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": name, **more}
