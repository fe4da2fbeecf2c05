"""What the tasks raise."""


class CardDeclined(Exception):  # noqa: N818 - as a project would call it
    """An error of the project's own."""
