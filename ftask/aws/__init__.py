"""The connection to AWS: target, deployed stack, stage, signed API, rules between parameters, polling, errors.

It imports the core alone. `deploy`, `dead_letters`, `ops`, `bench`, `render` and `cli` import it.
"""
