"""Schedules of tasks: expressions, checked as AWS documents them; their next firings; both in words.

Pure, and the standard library alone: the worker imports it with the user's tasks.
"""
