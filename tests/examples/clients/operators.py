"""What `ftask dlq redrive`, `ftask dlq discard` and `ftask cancel` do, for programs."""

from ftask import Client, Operator, TaskFilter

client, operator = Client(), Operator()
handle = client.submit("experiment", {"message": "ERROR"}, tags={"customer": "42"})
print(handle.wait(timeout=60).status)
newest = next(operator.failed(TaskFilter(tags={"customer": "42"})))
print("found by its tag:", newest.task_id == handle.id)
this_one = TaskFilter(task_ids=frozenset({handle.id}))
print("redriven:", operator.redrive(this_one) == [handle.id])
print(handle.wait(timeout=60).epoch, "redrive")
print("discarded:", operator.discard(this_one) == [handle.id])
print("cancelled:", *operator.cancel(this_one).values())
