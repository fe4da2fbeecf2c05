from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ftask.aws.stage import Stage
from ftask.ops.info import PAGES, console_links


def test_the_console_is_linked_in_the_stages_own_partition_and_region() -> None:
    outputs: Any = SimpleNamespace(
        worker_log_group="/aws/lambda/ftask-prod-worker",
        api_log_group="/aws/lambda/ftask-prod-api",
        worker_function="ftask-prod-worker",
        table="t",
        queue_url="https://sqs.cn-north-1.amazonaws.com.cn/1/q",
        dead_letter_queue_url="https://sqs.cn-north-1.amazonaws.com.cn/1/d",
    )

    def links(partition: str, region: str, *, dashboard: bool = True) -> dict[str, str]:
        stack_id = f"arn:{partition}:cloudformation:{region}:1:stack/ftask-prod/x"
        parameters = {"MetricsDashboard": str(dashboard).lower()}
        stack: Any = SimpleNamespace(stack_id=stack_id, parameters=parameters, outputs=outputs)
        target: Any = SimpleNamespace(stack_name="ftask-prod")
        return console_links(Stage(target, stack))

    urls = links("aws-cn", "cn-north-1")
    assert all(url.startswith("https://cn-north-1.console.amazonaws.cn/") for url in urls.values())
    assert urls["workerLog"].endswith("#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fftask-prod-worker")
    assert urls["dashboard"].endswith("#dashboards/dashboard/ftask-prod")
    assert "dashboard" not in links("aws-cn", "cn-north-1", dashboard=False)
    assert set(PAGES.values()) <= set(urls)
    assert links("aws-us-gov", "us-gov-west-1")["stack"].startswith(
        "https://us-gov-west-1.console.amazonaws-us-gov.com/cloudformation/home?region=us-gov-west-1#"
    )
    assert links("aws-iso", "us-iso-east-1") == {}
