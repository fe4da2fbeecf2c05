"""What `ftask help TOPIC` says: what holds for all commands, and so stands in no command's own help."""

from __future__ import annotations

from collections.abc import Mapping

TOPICS: Mapping[str, tuple[str, str]] = {
    "exit-codes": (
        "how a command ended",
        """\
0    done
1    failed; the message says why and what to do
2    wrong call: a command, an option, an argument, a payload or a file is invalid. Nothing was sent
3    a task that the command waited for ended FAILED or CANCELLED
4    the wait timed out; the tasks go on
130  interrupted (Ctrl-C)""",
    ),
    "output": (
        "what goes where, and in which form",
        """\
Results go to stdout, notes, progress and errors to stderr. A terminal gets colours (NO_COLOR turns them off) and the
first digits of ids; a pipe gets whole ids and whole rows, and so does --no-trunc.

With -o json stdout is one JSON document; watch, logs and top write one JSON value per line. An error is the last line
of stderr: {"error": {"message": "...", "hint": "...", "code": 2}}. Its code is the exit code.

--quiet drops notes and progress.""",
    ),
    "times": (
        "how --since, --until and --timeout take times",
        """\
--since and --until take a duration before now, like 30s, 15m, 2h, 3d or 1w, or a time, like 2026-11-24T09:00Z.
A time without a zone is in the zone of this machine. --timeout takes seconds.""",
    ),
    "ids": (
        "how tasks are named",
        """\
An id has 32 hexadecimal digits. Every command takes the first digits of one, as a terminal shows them. Ids that were
shown lately are found at once, others by a read of the table, which needs dynamodb:Scan. The shell completes ids that
were shown lately.

watch reads ids from stdin, one per line, or the record of accepted tasks that submit --file keeps:
  ftask watch < tasks.jsonl.prod.accepted""",
    ),
    "environment": (
        "variables that commands read",
        """\
FTASK_STAGE        default of --stage
FTASK_OUTPUT       default of --output
FTASK_CONFIG       path of ftask.toml
FTASK_TOKEN        bearer token for an API with JWT authorization
FTASK_STATE_DIR    folder of the local engine
FTASK_LOCAL_PORT   port of the local engine
FTASK_CACHE_DIR    folder of installed dependencies and of ids that were shown lately
FTASK_DEBUG        1 prints the traceback of an unexpected error
AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL and AWS's other variables are read as the AWS CLI reads them.
See which settings are in effect, and where each comes from, with: ftask config""",
    ),
}
