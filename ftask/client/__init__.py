"""What an application imports: :class:`Client` and :class:`AsyncClient` submit tasks and wait for their results.

The core has no I/O: `requests` builds and signs what is sent, `answers` judges what comes back, `retrying` chooses the
pauses, `calls` puts them together, `polling` chooses what to ask for next. `transport` and `async_transport` do what
the core says; `client` and `async_client` are the public classes over them. `connection` has the URL and the
credentials. Needs botocore; the asynchronous half httpx2 too.
"""
