"""Uses a secret, which the worker reads when it starts: it is in no archive and in no environment of the function."""

import hashlib
import hmac
import os

from ftask import task


@task
def sign_order(order_id: int) -> str:
    """Return the signature of an order."""
    return hmac.digest(os.environ["SIGNING_KEY"].encode(), str(order_id).encode(), hashlib.sha256).hex()
