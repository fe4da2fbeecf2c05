"""Submit one task and wait for its result. The application's own key makes it one task, even over a restart."""

from ftask import ApiConnectionError, Client, TaskFailed, WaitTimeout

client = Client()
try:
    handle = client.submit("experiment", {"message": "SUCCESS"}, key="order-17", tags={"customer": "42"})
    print(handle.id, handle.result(timeout=60))
except ApiConnectionError as error:
    print(f"No answer came. Submitting again with key={error.key!r} is still one task.")
except WaitTimeout:
    print("It goes on: ask again later with client.handle(id).")

try:
    client.submit("experiment", {"message": "ERROR"}).result(timeout=60)
except TaskFailed as failed:
    print(f"{failed.error_type} after {failed.attempts} attempts")
