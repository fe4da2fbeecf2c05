"""What `ftask help TOPIC` says: what holds for all commands, and so stands in no command's own help.

`ftask help`, the manual page and the tables of stack/README.md are all made from these texts.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

from ftask.cli.exit_codes import ExitCode

_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: paragraphs, and below them a table of two columns.

    A paragraph that begins with two spaces is code, shown line by line.
    """

    title: str
    text: str = ""
    columns: tuple[str, str] = ("", "")
    rows: Mapping[str, str] = field(default_factory=dict)

    @property
    def paragraphs(self) -> list[str]:
        """Return the paragraphs and the blocks of code."""
        return [part for part in self.text.strip("\n").split("\n\n") if part]

    def __str__(self) -> str:
        parts = [part if is_code(part) else _filled(part) for part in self.paragraphs]
        return "\n\n".join([*parts, *self._table()])

    def _table(self) -> list[str]:
        """Return the rows as one text: in columns where the names are short, each name on its own line otherwise."""
        indent = max(map(len, self.rows), default=0) + 2
        if indent <= _WIDTH // 4:
            rows = [_filled(text, f"{name:<{indent}}") for name, text in self.rows.items()]
        else:
            rows = [f"{name}\n{_filled(text, '    ')}" for name, text in self.rows.items()]
        return ["\n".join(rows)] if rows else []


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, _WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent), break_on_hyphens=False
    )


def is_code(paragraph: str) -> bool:
    """Return whether a paragraph of a topic is code."""
    return paragraph.startswith("  ")


TOPICS: Mapping[str, Topic] = {
    "exit-codes": Topic(
        "how a command ended",
        columns=("exit code", "means"),
        rows={str(int(code)): code.meaning for code in ExitCode},
    ),
    "output": Topic(
        "what goes where, and in which form",
        """\
Results go to stdout; notes, progress and errors go to stderr. A terminal gets colours (NO_COLOR turns them off) and the
first digits of ids. A pipe gets one line per row: no headings, whole ids first, tabs between the cells; so does
--no-trunc.

With -o json stdout is one JSON document; watch, logs and top write one JSON value per line. An error is the last line
of stderr, and its code is the exit code; the hint may be null:

  {"error": {"message": "...", "hint": "...", "code": 2}}

--quiet drops notes and progress.""",
    ),
    "times": Topic(
        "how --since, --until and --timeout take times",
        """\
--since and --until take a duration before now, like 30s, 15m, 2h, 3d or 1w, or a time, like 2026-11-24T09:00Z.
A time without a zone is in the zone of this machine. --timeout takes seconds.""",
    ),
    "ids": Topic(
        "how tasks are named",
        """\
An id has 32 hexadecimal digits. Every command takes the first digits of one, as a terminal shows them. Ids that were
shown lately are found at once; others need a read of the table, and so dynamodb:Scan. The shell completes ids that were
shown lately.

watch and cancel read ids from stdin: the first word of each line, the JSON of another command, or the record of
accepted tasks that submit --file keeps:

  ftask ls --status RETRYING | ftask cancel - --yes
  ftask watch < tasks.jsonl.prod.accepted""",
    ),
    "schedules": Topic(
        "how tasks run by themselves, at times or at intervals",
        """\
A task with a schedule is made by itself; the schedule has the name of its type. All of its arguments have defaults.

  @task(cron="0 6 ? * MON-FRI *", timezone="Europe/Kyiv")
  def daily_report() -> None: ...

  @task(every="15m", overlap="queue", catch_up=True)
  def sync() -> None: ...

cron has six fields: minutes, hours, day of month, month, day of week and year; one of the two days is a question mark.
A deployment makes, changes and removes the schedules with the code. `ftask types` shows in words when they fire.

A firing comes within a minute of its time. One that comes twice runs once. While the run before has not ended, a firing
is skipped, or with overlap="queue" it waits. Of firings that a pause of the stage has held up, the last one runs, with
overlap="queue" each of them. A failed attempt is retried like that of any task, and a redrive runs a failed task again
whatever its schedule does.

  ftask schedule ls
  ftask schedule run daily_report
  ftask schedule pause daily_report
  ftask schedule resume daily_report

A pause lasts over deployments. With catch_up=True its end makes up for one firing, the last one that was missed. The
local engine fires in UTC, whatever the time zone, and not while it is stopped.""",
    ),
    "client": Topic(
        "how programs submit tasks and wait for them",
        """\
ftask.Client and ftask.AsyncClient (extra async) call the API of a stage. They need its URL in FTASK_API_URL and the
policy that ftask policy app prints; with Client(stage="prod") the URL is asked from CloudFormation. Threads may share a
Client; make one, and keep it.

  from ftask import Client, NewTask
  client = Client()
  handle = client.submit("send_invoice", {"order": 17}, key="order-17")
  print(handle.id, handle.result(timeout=60))
  tasks = (NewTask("resize", {"n": n}) for n in range(1000))
  handles = list(client.submit_many(tasks))
  for handle in client.as_completed(handles, timeout=300):
      print(handle.id, handle.wait().status)

In an event loop, FastAPI's for example; tests/examples/clients has it as a whole:

  from ftask import AsyncClient
  client = AsyncClient()

  @app.post("/orders/{order}/invoice", status_code=202)
  async def invoice(order: int) -> dict[str, str]:
      payload, key = {"order": order}, f"order-{order}"
      handle = await client.submit("send_invoice", payload, key=key)
      return {"task": handle.id}

  @app.get("/tasks/{task}")
  async def status(task: str) -> str:
      return await client.handle(task).status()

A declared task has submit, submit_async and options, typed by its signature. Inside a task, the key derives from the
task's id and epoch and the number of the submission: a retry that submits in the same order submits nothing twice. That
needs submits = true under [tasks] in ftask.toml, and the authorization AWS_IAM or NONE.

  send_invoice.submit(order=17)
  send_invoice.options(key="order-17", delay=60).submit(order=17)

In a test, submissions of declared tasks are collected; no stage is needed:

  with ftask.testing.submissions() as sent:
      confirm(order=17)  # your code, which calls send_invoice.submit(order=17)
  assert sent == [ftask.NewTask("send_invoice", {"order": 17})]

A request that was throttled, failed in passing or got no answer is sent again, up to four times. A key that the client
makes protects these repetitions within one process; where the application may die before it has stored the id, use a
key of its own. Every error has its key and task_id; safe_to_repeat says whether the same call with this key does its
work once. A submission whose await is cancelled may have arrived: the CancelledError has its key. ApiError.problem
names the kind of refusal, like unknown-type or invalid-arguments.

unique="until_done" accepts one task of a type and key until it has ended, unique=3600 for an hour; a second submission
gets the handle of the first, or an error with if_exists="raise". A redrive does not ask whether another task has the
key meanwhile. The lock is an item of its own: a unique submission costs four write units more.

group="customer-42" is the MessageGroupId of the task's messages. SQS calls a group noisy while it has many more
messages in flight than the others, and delivers those of quiet groups first. Tasks that wait for their backoff are in
flight, so they count. The local engine ignores groups.

A Client cannot cancel, redrive or discard: the API may not change a task that exists. ftask.Operator(stage="prod")
does it, as dlq redrive, dlq discard and cancel do, with the rights of these commands (ftask policy dlq cancel):

  from ftask import Operator, TaskFilter
  operator = Operator(stage="prod")
  for task in operator.failed(TaskFilter(tags={"customer": "42"})):
      print(task.task_id, task.failed_at, task.text)
  print(operator.redrive(TaskFilter(error="did not answer"), per_second=50))
  print(operator.cancel(TaskFilter(type="resize")))
  print(operator.cancel(TaskFilter(task_ids=frozenset({handle.id}))))

tags={"customer": "42"} are up to 8 names and values on the task: ftask ls --tag customer=42 finds it, and get shows
them. Log events have no tags: find the ids with ls. An item over 1 KB costs one more unit at each of its three
writes.

curl before 8 does not sort the parameters of a query for the signature: give them in alphabetical order.

  curl --aws-sigv4 "aws:amz:$AWS_REGION:execute-api" \\
    --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \\
    -H "x-amz-security-token: $AWS_SESSION_TOKEN" \\
    -H "content-type: application/json" -H "idempotency-key: order-17" \\
    "$FTASK_API_URL/tasks?group=big&type=send_invoice" -d '{"order": 17}'""",
    ),
    "django": Topic(
        "the tasks of Django on ftask",
        """\
ftask.django.FtaskBackend runs django.tasks of Django 6, and before it those of the package django-tasks. The web
server needs the extra django of ftask, and in its settings:

  TASKS = {"default": {"BACKEND": "ftask.django.FtaskBackend"}}

OPTIONS are the arguments of ftask.Client, like {"stage": "prod"}; without them FTASK_API_URL or FTASK_STAGE says which
stage, as ftask help client explains. The worker imports worker.py, which lies beside ftask.toml and manage.py:

  import os
  from ftask.django import declare_tasks
  os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
  declare_tasks()

declare_tasks sets Django up and declares the tasks in the modules tasks of the installed apps, and in those that it is
given by name: declare_tasks("shop.jobs"). ftask.toml packs the project; the requirements name Django, not ftask:

  [tasks]
  module = "worker"
  include = ["mysite/**/*.py", "shop/**/*.py", "shop/templates/**/*"]
  requirements = "requirements.txt"

  @task(max_attempts=5)
  def send_invoice(order): ...

  result = send_invoice.enqueue(17)
  send_invoice.using(key="order-17").enqueue(17)
  send_invoice.using(run_after=tomorrow).enqueue(17)
  send_invoice.get_result(result.id).status

aenqueue and aget_result use ftask.AsyncClient. key is the idempotency key: one key with the same arguments is one task.
The type of a task is its path, like shop.tasks.send_invoice, at most 64 characters; ls, dlq and logs show it, and the
payload is {"args": [17], "kwargs": {}}. What JSON would change, like a number as a key, is refused at enqueue. So is a
priority: an SQS queue has none. The names of queues select nothing: there is one queue.

enqueue inside of transaction.atomic() submits at once, as with Django's own backends: the task may begin before the
commit, and a rollback does not take it back. Where that matters, submit after the commit:

  transaction.on_commit(partial(send_invoice.enqueue, order.pk))

READY stands for PENDING and RETRYING, RUNNING for PROCESSING, SUCCESSFUL for COMPLETED, FAILED for FAILED and
CANCELLED. FAILED can become READY again: by a redrive. errors has one entry for each failed attempt, with the class of
its exception; the traceback is in the worker's log. started_at is of the oldest attempt on record, and worker_ids only
count the attempts. A worker sends task_started at each attempt, and task_finished at the end, unless it dies.

Connections to the database that are broken or older than CONN_MAX_AGE are closed before and after each attempt. A
worker of Lambda stands still between two invocations: leave CONN_MAX_AGE at 0, or set CONN_HEALTH_CHECKS. The
parameters VpcSubnetIds and VpcSecurityGroupIds of ftask deploy put it into the network of your database.

In tests, ftask.django.testing.ImmediateBackend and DummyBackend are Django's own with max_attempts and key.""",
    ),
    "terms": Topic(
        "the words that ftask uses",
        columns=("term", "meaning"),
        rows={
            "attempt": "One run of a task by a worker. It counts from the moment it begins, even if the worker dies, "
            "unless other tasks ran in that worker.",
            "epoch": "The n-th life of a task: submission begins the first one, each redrive begins the next with "
            "fresh attempts.",
            "lease": "A worker's exclusive right to run one attempt and to write its outcome; it ends when Lambda "
            "kills the invocation.",
            "dead letter": "The message that waits in the dead-letter queue, for up to 14 days, for a task that "
            "ended FAILED.",
            "redrive": "Begin the next epoch of a failed task, with its history kept. Its dead letter is deleted.",
            "discard": "Take a failed task off the list of dlq ls. It stays FAILED and readable; its dead letter is "
            "deleted.",
            "drain": "Discard a task, and write its dead letter to a file that submit --file takes.",
            "in flight": "Received from SQS and not yet deleted or visible again: a task that runs or waits for its "
            "backoff.",
        },
    ),
    "environment": Topic(
        "variables that commands read",
        "See which settings are in effect, and where each comes from, with: ftask config",
        columns=("environment variable", "meaning"),
        rows={
            "FTASK_STAGE": "default of --stage, and of ftask.Client",
            "FTASK_API_URL": "URL of the API that ftask.Client calls where it names no stage",
            "FTASK_OUTPUT": "default of --output",
            "FTASK_CONFIG": "path of ftask.toml. A file of another user is used only if it is named here",
            "FTASK_TOKEN": "bearer token for an API with JWT authorization; sent only to the API that its issuer and "
            "audience name, over TLS",
            "FTASK_STATE_DIR": "folder of the local engine",
            "FTASK_LOCAL_PORT": "port of the local engine",
            "FTASK_CACHE_DIR": "folder of what can be made again: dependencies, ids that were shown, URLs of stages",
            "FTASK_DEBUG": "1 prints the traceback of an unexpected error",
            "AWS_PROFILE": "as in the AWS CLI, like AWS_REGION, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS's other "
            "variables; the stage local uses none of them",
            "HTTPS_PROXY": "proxy for AWS and for the API; NO_PROXY names exceptions",
            "AWS_CA_BUNDLE": "trusted certificates, for AWS and for the API; so is REQUESTS_CA_BUNDLE",
            "NO_COLOR": "1 turns colours off",
        },
    ),
    "troubleshooting": Topic(
        "what to do about an error message",
        columns=("message", "what to do"),
        rows={
            "has no stack": "Nothing is deployed under that name in that region. Check --stage and --region with "
            "ftask config, or run ftask deploy.",
            "The local engine is not installed": "It is the extra local; the message has the command that installs it.",
            "is paused: no task runs": "Somebody ran ftask pause. Tasks wait in the queue; let them run with ftask "
            "resume.",
            "event source mapping is gone": "Somebody deleted what feeds the worker. Recreate it with ftask doctor "
            "--fix; tasks wait in the queue meanwhile.",
            "Another program uses port": "Unset FTASK_LOCAL_PORT, and ftask finds a free port. Stages that "
            "were deployed before need the port that they had: end the other program, or delete the stages with ftask "
            "local reset.",
            "No AWS credentials were found": "Run aws sso login, or set AWS_PROFILE. Without an account, use the "
            "stage local.",
            "AWS does not accept these credentials": "The profile is another account's, or this machine's clock is "
            "wrong.",
            "AWS denied": "ftask policy COMMAND prints the statements that the command needs. In an error of a task: "
            "add the statement that it names to policy.json, and deploy.",
            "AWS throttled": "Wait a minute and repeat the command: it submits or redrives nothing twice.",
            "PENDING": "If a task stays PENDING, ftask info says whether consumption is paused (ftask resume), or why "
            "the worker cannot run tasks. Otherwise: ftask doctor --fix.",
            "WorkerLost": "The worker's process died or ran past its timeout, or its child process did not start in "
            "three invocations. ftask logs --task ID shows the crash. Declare the task isolated=True, or give it "
            "more memory with ftask deploy --param WorkerMemory=512.",
            "TimedOut": "The attempt was stopped at the timeout of its @task. Raise it, and TaskBudgetSeconds with it.",
            "InvalidPayload": "The payload does not fit the function's arguments: correct it and submit it again. "
            "A redrive cannot help.",
            "UnknownTaskType": "The deployed worker has no such task. The task waits up to 15 minutes for a "
            "deployment that has it, without an attempt, then it fails. Deploy the module that declares it, then "
            "redrive.",
            "PayloadMissing": "The item of the task's payload was deleted from the table by hand. Submit the work "
            "again.",
            "it is not known whether": "AWS failed so that ftask cannot know. Repeat the command with the same "
            "--key: it stays one task.",
        },
    ),
    "agents": Topic(
        "a runbook for a coding agent that operates a stage",
        """\
Give every command -o json: stdout is then one JSON document (watch: one JSON value per line), and an error is the last
line of stderr, {"error": {"message", "hint", "code"}}. Without a terminal nothing asks; a command that would ask fails
and names --yes. Name the stage in every command with --stage (here: FTASK_STAGE is set). Before --yes, run the same
command with --dry-run, and show its output to the person who is responsible.

Deploy. `losesData` must be false for each of the `changes`:

  ftask deploy --dry-run -o json
  ftask deploy --yes -o json
  ftask types -o json

Submit, with a key of your own, so that a repetition is the same task. Take `taskId` from the answer:

  ftask submit greet name=Ada --key ada-1 -o json

Wait. The last line of each task has its `status`, and `result` or `lastError`:

  ftask watch ID --timeout 300 -o json

Triage: first the stage, then the kinds of error, then one task with its tracebacks:

  ftask doctor -o json
  ftask dlq ls -o json
  ftask dlq show ID -o json

Redrive, after the cause is corrected. `failed` has the tasks that failed again:

  ftask dlq redrive --error TEXT --dry-run -o json
  ftask dlq redrive --error TEXT --yes --wait --timeout 600 -o json

Roll back a bad deployment: stop consumption, so that no more attempts are lost, deploy the last good commit, go on, and
redrive what failed since the bad deployment:

  ftask pause --wait -o json
  git switch --detach LAST_GOOD_COMMIT
  ftask deploy --dry-run -o json
  ftask deploy --yes -o json
  ftask resume -o json
  ftask dlq redrive --since 30m --dry-run -o json
  ftask dlq redrive --since 30m --yes --wait --timeout 600 -o json

Next step by exit code:""",
        columns=("exit code", "next step"),
        rows={str(int(code)): code.next_step for code in ExitCode},
    ),
}
