"""How a secret may be written where it does not belong."""

import base64


def forms(secret: str) -> tuple[bytes, ...]:
    """Returns a secret as it is, and in base64 at every offset."""
    encoded = [base64.b64encode(b" " * skip + secret.encode())[8:-4] for skip in range(3)]
    return (secret.encode(), *encoded)


def holds(content: bytes, secret: str) -> bool:
    """Tells whether a secret is in some content."""
    return any(form in content for form in forms(secret))
