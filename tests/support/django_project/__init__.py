"""A Django app whose tasks the tests run."""
