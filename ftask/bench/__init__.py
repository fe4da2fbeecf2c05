"""The error-rate experiment: submit, follow, compare what happened with what the stack's settings promise.

`experiment` submits tasks and follows them; `evaluation` makes a :class:`ftask.bench.result.Result` of what it saw,
by `analysis` and by the `cost` of what `usage` counts in the logs. `estimate` prices a month without a run, `compare`
holds two results against each other, `simulation` runs the protocol over virtual time. `tables` has the cells that both
a page (`report`, `plots`) and a terminal (`ftask.render`) show.
"""
