"""What an operator looks at and does on a deployed stage: info, top, logs, tasks, pause and resume, doctor.

Each module reads or changes a stage of `aws/` and returns values, which `render`, `bench` and `cli` import. It imports
`aws`, `client`, `core`, `home` and `selection` alone.
"""
