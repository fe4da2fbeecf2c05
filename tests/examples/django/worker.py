"""What the worker imports: the tasks of the installed apps. The web server does not need it."""

import os

from ftask.django import declare_tasks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
declare_tasks()
