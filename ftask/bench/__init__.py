"""The error-rate experiment: submit, follow, compare what happened with what the stack's settings promise.

`experiment` produces tasks with their histories, `analysis` turns them into a :class:`ftask.bench.result.Result`,
`usage` and `cost` say what it would cost; `simulation` runs the same protocol over virtual time. How a result is
drawn is decided elsewhere: in `report` for a browser, in `ftask.render` for a terminal.
"""
