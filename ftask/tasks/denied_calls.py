"""What a task needs in its policy, where AWS denied a call of it.

The messages: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

import json
import re
from functools import partial

from ftask.core.raised import causes_of, guarded

# Quoted in several ways; not every service names the resource.
_DENIED = re.compile(
    r"not authorized to perform:? ?[`'\"]?(?P<action>[a-z0-9-]+:\w+)['\"]?"
    r"(?: on resource:? ?(?:\"(?P<quoted>[^\"]+)\"|[`']?(?P<resource>[^\s`'\"]+)))?"
)
# A policy of the tasks cannot allow what is denied by another kind of policy.
_OTHER_POLICIES = re.compile(r"with an explicit deny|because no (?!identity-based)")

# Stands for a resource that the message does not name; "*" would allow too much.
_UNNAMED = "ARN"


def explain_denied_call(error: BaseException) -> None:
    """Add a note with the missing statement to `error`, if it is a denied call of boto3 or was raised from one."""
    for cause in causes_of(error):
        statement = guarded(partial(missing_statement, cause))
        if statement is not None:
            text = json.dumps(statement)
            rest = " Replace ARN with that of the resource." if statement["Resource"] == _UNNAMED else ""
            note = f"To allow it, add this statement to the policy of the tasks, policy.json: {text}{rest}"
            guarded(partial(error.add_note, note))
            return


def missing_statement(error: BaseException) -> dict[str, str] | None:
    """Return the statement that allows the call that ended with `error`; None if no statement would."""
    response = getattr(error, "response", None)  # of botocore's ClientError, which need not be there
    details = response.get("Error") if isinstance(response, dict) else None
    message = details.get("Message") if isinstance(details, dict) else None
    denied = _DENIED.search(message) if isinstance(message, str) else None
    if denied is None or _OTHER_POLICIES.search(denied.string, denied.end()):
        return None
    resource = denied["quoted"] or denied["resource"] or _UNNAMED
    return {"Effect": "Allow", "Action": denied["action"], "Resource": resource}
