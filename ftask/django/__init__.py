"""The tasks of Django, on ftask: a backend for `django.tasks`, and what a worker runs.

`backend` submits tasks and reads their results, which `results` makes of the API's answers; `worker` declares the
project's tasks as task types; `testing` has the backends for tests. `library` is Django's own module of tasks, or the
package `django-tasks` where Django has none. Guide: `ftask help django`.
"""

from ftask.django.backend import FtaskBackend
from ftask.django.worker import declare_tasks

__all__ = ["FtaskBackend", "declare_tasks"]
