from datetime import timedelta

from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone

from .tasks import greet

try:
    from django.tasks.exceptions import TaskResultDoesNotExist
except ImportError:  # before Django 6
    from django_tasks.exceptions import TaskResultDoesNotExist


def index(request):
    if request.method != "POST":
        return render(request, "greetings/index.html")
    delay = timedelta(seconds=int(request.POST.get("delay") or 0))
    enqueued = greet.using(run_after=timezone.now() + delay).enqueue(request.POST["name"])
    return redirect("result", enqueued.id)


def result(request, result_id):
    try:
        return render(request, "greetings/result.html", {"result": greet.get_result(result_id)})
    except TaskResultDoesNotExist as error:
        raise Http404("Unknown task") from error
