"""However many threads ask for it, a unique task runs once."""

from concurrent.futures import ThreadPoolExecutor

from ftask import Client

client = Client()


def synchronize(_: int) -> str:
    return client.submit("experiment", {"message": "SUCCESS"}, key="customer-42", unique=3600).id


with ThreadPoolExecutor(8) as threads:
    ids = set(threads.map(synchronize, range(50)))
print(len(ids), "task")
