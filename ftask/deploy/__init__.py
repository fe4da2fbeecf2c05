"""Deployment as a pipeline: package → plan → apply → observe → outputs.

Each step turns one value into the next, and only `apply`, `artifacts` and `remove` change anything.
That way a plan can be shown, refused or kept before it runs, at the price of one extra round trip:
CloudFormation computes the change set, ftask shows it and then asks for exactly that one.
"""
