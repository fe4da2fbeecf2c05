"""What a careful account asks for, all at once: a key, a boundary, a network, traces, a dashboard, an address for
alarms.
"""

from __future__ import annotations

import json

import pytest

from ftask.aws.stack import deployed_stack
from tests.support.cli import Cli
from tests.support.engines import boto_session, local_target
from tests.support.iam import actions_of, iam_client

pytestmark = pytest.mark.engine


def test_they_deploy_together_and_tasks_run(own_engine: Cli) -> None:
    assert own_engine("local", "up").code == 0
    target = local_target(own_engine)
    kms = boto_session(target).client("kms", endpoint_url=target.endpoint_url)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam = iam_client(target)
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=json.dumps(anything))["Policy"]["Arn"]
    ec2 = boto_session(target).client("ec2", endpoint_url=target.endpoint_url)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="ftask", Description="of a test", VpcId=vpc)["GroupId"]
    own_engine.folder.joinpath("ftask.toml").write_text(
        f"""
        [stages.local.parameters]
        PermissionsBoundaryArn = "{boundary}"
        VpcSubnetIds = "{subnet}"
        VpcSecurityGroupIds = "{group}, {group}"
        AlarmEmail = "oncall@example.org"
        Tracing = true
        MetricsDashboard = true
        """
    )
    done = own_engine("deploy", "--yes", "--param", f"KmsKeyArn={key}")
    assert done.code == 0, done.err
    # What the key's policy needs is printed, ready to be pasted.
    printed = json.loads(done.err[done.err.index("\n[\n") : done.err.index("\n]\n") + 2])
    assert [each["Principal"]["Service"] for each in printed] == [
        "logs.us-east-1.amazonaws.com",
        "cloudwatch.amazonaws.com",
    ]
    assert own_engine("submit", "-m", "SUCCESS", "--wait").code == 0
    assert own_engine("submit", "-m", "ERROR", "--wait").code == 3

    # The engine carries out these; of the boundary, the network and the table's key it only takes note.
    parts = deployed_stack(target).outputs
    for url in (parts.queue_url, parts.dead_letter_queue_url):
        attributes = target.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert (attributes["KmsMasterKeyId"], attributes["SqsManagedSseEnabled"]) == (key, "false")
    worker = target.lambda_.get_function_configuration(FunctionName=parts.worker_function)
    assert worker["TracingConfig"]["Mode"] == "Active"
    role = worker["Role"].rpartition("/")[2]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    allowed = actions_of(iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"])
    assert {"kms:Decrypt", "xray:PutTraceSegments", "ec2:CreateNetworkInterface"} <= allowed
    (subscription,) = (
        boto_session(target).client("sns", endpoint_url=target.endpoint_url).list_subscriptions()["Subscriptions"]
    )
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "oncall@example.org")
    cloudwatch = boto_session(target).client("cloudwatch", endpoint_url=target.endpoint_url)
    assert [each["DashboardName"] for each in cloudwatch.list_dashboards()["DashboardEntries"]] == [target.stack_name]
    # Nobody names the key again.
    assert json.dumps(own_engine("policy", "dlq", "redrive").json).count(key) == 1

    removed = own_engine("remove", "--yes")
    assert removed.code == 0, removed.err
