"""The error-rate experiment: submit, follow, compare what happened with what the stack's settings promise.

`experiment` submits tasks and follows them; `analysis` turns what it observed and the `expectation` into a
:class:`ftask.bench.result.Result`; `usage` and `cost` say what it would cost on AWS; `compare` holds two results
against each other. `simulation` runs the same protocol over virtual time. `report` and `plots` draw a result for a
browser, `ftask.render` for a terminal.
"""
