"""Deployment as a pipeline: package → plan → upload → apply, with stack events to follow.

Each step turns one value into the next. A plan has no side effect but its change set, which is deleted again where the
plan is dropped, so it can be shown, refused or kept before it runs. The price is one more round trip: CloudFormation
computes the change set, ftask shows it and then asks for exactly that one.
"""
