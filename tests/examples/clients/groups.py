"""A group is a tenant: on AWS, one that floods the queue delays the tasks of the others less."""

from ftask import Client, NewTask

client = Client()
flood = list(client.submit_many(NewTask("experiment", {"message": "SUCCESS", "n": n}, group="big") for n in range(100)))
small = client.submit("experiment", {"message": "SUCCESS"}, group="small")
small.wait(timeout=300)
print(len(client.wait(flood, timeout=300)), "tasks of one group,", small.info().json["group"], "is another")
