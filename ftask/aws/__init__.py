"""The connection to AWS: target, deployed stack, stage, signed API, rules between parameters, polling, errors.

It imports the core and `client` alone.
"""
