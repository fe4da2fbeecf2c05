"""Submit a thousand tasks and collect a thousand results."""

from ftask import Client, NewTask

client = Client()
handles = list(client.submit_many(NewTask("experiment", {"message": "SUCCESS", "n": n}) for n in range(1000)))
ended = client.wait(handles, timeout=300)
print(len(ended), "results;", sum(info.status == "COMPLETED" for info in ended), "completed")
