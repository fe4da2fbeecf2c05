"""The embedded engine: the AWS emulator ministack as a background process of this user, on the loopback interface only.

It knows nothing of AWS's side of ftask: it imports the core alone, and `cli/` makes a target of a running engine.
"""
