try:
    from django.tasks import task
except ImportError:  # before Django 6
    from django_tasks import task


@task(max_attempts=3, takes_context=True)
def greet(context, name):
    """Greet somebody by name."""
    if not name:
        raise ValueError("Nobody to greet.")
    return f"Hello {name}, at attempt {context.attempt}"
