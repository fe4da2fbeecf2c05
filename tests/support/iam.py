"""Users of the engine's IAM, and what is left of a policy without one of its actions."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.credentials import Credentials

from ftask.aws.target import Target


def iam_client(target: Target) -> Any:
    """IAM with the keys of the target."""
    return boto3.client(
        "iam",
        target.region_name,
        endpoint_url=target.endpoint_url,
        aws_access_key_id=target.access_key,
        aws_secret_access_key=target.secret_key,
    )


class User:
    """An IAM user with one policy."""

    def __init__(self, iam: Any) -> None:
        self._iam = iam
        self.name = f"user-{uuid.uuid4().hex[:8]}"
        iam.create_user(UserName=self.name)
        key = iam.create_access_key(UserName=self.name)["AccessKey"]
        self.credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def may(self, policy: dict[str, Any]) -> None:
        """Give the policy, in place of the one before."""
        self._iam.put_user_policy(UserName=self.name, PolicyName="p", PolicyDocument=json.dumps(policy))

    def delete(self) -> None:
        for key in self._iam.list_access_keys(UserName=self.name)["AccessKeyMetadata"]:
            self._iam.delete_access_key(UserName=self.name, AccessKeyId=key["AccessKeyId"])
        for name in self._iam.list_user_policies(UserName=self.name)["PolicyNames"]:
            self._iam.delete_user_policy(UserName=self.name, PolicyName=name)
        self._iam.delete_user(UserName=self.name)


@contextmanager
def a_user(iam: Any) -> Iterator[User]:
    user = User(iam)
    try:
        yield user
    finally:
        user.delete()


def actions_of(policy: dict[str, Any]) -> set[str]:
    actions: set[str] = set()
    for statement in policy["Statement"]:
        listed = statement["Action"]
        actions |= {listed} if isinstance(listed, str) else set(listed)
    return actions


def without(policy: dict[str, Any], action: str, resource: str | list[str] | None = None) -> dict[str, Any]:
    """The policy less one action: everywhere, or on one resource, which may share its statement with others."""
    statements = []
    for statement in policy["Statement"]:
        named, removed = _listed(statement["Resource"]), _listed(resource or statement["Resource"])
        if action in actions_of({"Statement": [statement]}) and set(removed) <= set(named):
            left = sorted(actions_of({"Statement": [statement]}) - {action})
            if left:
                statements.append(statement | {"Action": left})
            if others := [name for name in named if name not in removed]:
                statements.append(statement | {"Action": [action], "Resource": others})
        else:
            statements.append(statement)
    return policy | {"Statement": statements}


def _listed(resource: str | list[str]) -> list[str]:
    return resource if isinstance(resource, list) else [resource]
