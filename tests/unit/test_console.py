from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ftask.ops.console import PAGES, build_links


def test_the_console_is_linked_in_the_stages_own_partition_and_region() -> None:
    outputs: Any = SimpleNamespace(
        worker_log_group="/aws/lambda/ftask-prod-worker",
        api_log_group="/aws/lambda/ftask-prod-api",
        worker_function="ftask-prod-worker",
        table="t",
        queue_url="https://sqs.cn-north-1.amazonaws.com.cn/1/q",
        dead_letter_queue_url="https://sqs.cn-north-1.amazonaws.com.cn/1/d",
    )
    stack_id = "arn:aws-cn:cloudformation:cn-north-1:1:stack/ftask-prod/x"
    urls = build_links(outputs, stack_id, "ftask-prod", dashboard=True)
    assert all(url.startswith("https://cn-north-1.console.amazonaws.cn/") for url in urls.values())
    assert urls["workerLog"].endswith("#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fftask-prod-worker")
    assert urls["dashboard"].endswith("#dashboards/dashboard/ftask-prod")
    assert "dashboard" not in build_links(outputs, stack_id, "ftask-prod", dashboard=False)
    unknown = stack_id.replace("aws-cn", "aws-iso").replace("cn-north-1", "us-iso-east-1")
    assert set(PAGES.values()) <= set(urls)
    government = stack_id.replace("aws-cn", "aws-us-gov").replace("cn-north-1", "us-gov-west-1")
    stack = build_links(outputs, government, "ftask-prod", dashboard=True)["stack"]
    assert stack.startswith(
        "https://us-gov-west-1.console.amazonaws-us-gov.com/cloudformation/home?region=us-gov-west-1#"
    )
    assert build_links(outputs, unknown, "ftask-prod", dashboard=True) == {}
