"""ftask: a fault-tolerant task queue in your own AWS account, and on your laptop.

What a task handler may import from here: :class:`PermanentError` and :class:`RetryAfter`.
This module is part of the Lambda zip, so it imports nothing but the errors.
"""

from ftask.core.errors import PermanentError, RetryAfter

__all__ = ["PermanentError", "RetryAfter", "__version__"]

__version__ = "0.1.0"
