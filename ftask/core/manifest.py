"""The manifest: which task types a deployment has, and what each takes.

The worker's build writes it from the user's declarations; the API reads it. So the API refuses an unknown type and a
payload that does not fit without importing a line of the user's code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ftask.core.errors import FtaskError, InvalidInputError, PayloadError
from ftask.core.json_schema import mismatch
from ftask.core.retry import RetryPolicy

# A reader ignores fields that it does not know; a higher version is one that it must not guess at.
MANIFEST_VERSION = 1
TYPE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_BRACKETS = re.compile(r"\[[^\[\]]*\]")
_NOT_TEXT = {"int", "float", "bool", "list", "dict", "None"}
# A payload may have thousands of wrong keys of any length; an error names the first few, shortened.
_MAX_NAMES = 5
_MAX_NAME_LENGTH = 64


# What happens to a firing of a schedule while the run before has not ended.
SKIP, QUEUE = "skip", "queue"


class ManifestError(FtaskError):
    """The text is not a manifest that this version of ftask can read."""


class UnknownTypeError(InvalidInputError):
    """A task names a type that this deployment does not have, or no type where one is needed."""


class ArgumentsError(PayloadError):
    """The keys of a payload do not fit the arguments of its type."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a task: a key of its payload.

    `default` is a JSON text; None where the argument is required or its default is not JSON.
    """

    name: str
    required: bool = True
    annotation: str | None = None
    default: str | None = None


@dataclass(frozen=True, slots=True)
class TypeSchedule:
    """When tasks of a type are made by themselves: one of `cron` and `every` is set, as it was declared.

    `overlap` is SKIP or QUEUE. With `catch_up` the end of a pause makes up for one firing that was missed.
    """

    cron: str | None = None
    timezone: str = "UTC"
    every: str | None = None
    overlap: str = SKIP
    catch_up: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """What a declaration chose for its type; None where the stack's parameter applies."""

    max_attempts: int | None = None
    backoff: tuple[float, float] | None = None
    jitter: bool | None = None
    timeout_seconds: float | None = None
    isolated: bool = False
    schedule: TypeSchedule | None = None

    def retry_policy(self, of_the_stack: RetryPolicy) -> RetryPolicy:
        """Return the retry policy of the type: its own options, and the stack's where it has none."""
        base_seconds, cap_seconds = self.backoff or (of_the_stack.base_seconds, of_the_stack.cap_seconds)
        return RetryPolicy(base_seconds, cap_seconds, of_the_stack.jitter if self.jitter is None else self.jitter)


@dataclass(frozen=True, slots=True)
class TaskType:
    """A type of tasks: its name, its arguments and its options.

    `accepts_more` is true where the function has `**kwargs`: then further keys of a payload are fine. `schema` is
    the JSON schema of a payload, where pydantic could give one.
    """

    name: str
    arguments: tuple[Argument, ...] = ()
    accepts_more: bool = False
    doc: str = ""
    options: Options = Options()
    is_default: bool = False
    schema: Mapping[str, Any] | None = None

    def check(self, payload: Mapping[str, Any]) -> str | None:
        """Return what is wrong with the keys of `payload`, or None. Values are not looked at."""
        names = {argument.name for argument in self.arguments}
        unknown = [] if self.accepts_more else [key for key in payload if key not in names]
        missing = [argument.name for argument in self.arguments if argument.required and argument.name not in payload]
        if not unknown and not missing:
            return None
        problems = [f"{verb} {_listed(keys)}" for verb, keys in (("unknown", unknown), ("missing", missing)) if keys]
        text = f"Task type {self.name}: {' and '.join(problems)}."
        if not self.arguments:
            return f"{text} It takes no arguments."
        arguments = ", ".join(name if required else f"{name} (optional)" for name, required in self._signature())
        return f"{text} Arguments: {arguments}."

    def check_values(self, payload: Mapping[str, Any]) -> str | None:
        """Return which argument gets a value that cannot be one, or None.

        The schema says that, or without one the annotation: then nothing converts a text.
        """
        if self.schema is not None:
            problem = mismatch(payload, self.schema)
            return None if problem is None else f"Task type {self.name}: {problem}."
        for argument in self.arguments:
            value = payload.get(argument.name)
            if isinstance(value, str) and argument.annotation is not None and not _takes_text(argument.annotation):
                shown = _shortened(value)
                return f"Task type {self.name}: {argument.name!r} takes {argument.annotation}, and {shown} is a text."
        return None

    def _signature(self) -> Iterable[tuple[str, bool]]:
        return ((argument.name, argument.required) for argument in self.arguments)


# The built-in experiment, which every stage has.
EXPERIMENT = TaskType("experiment", accepts_more=True, doc="Succeed or fail at random: the built-in experiment.")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The task types of a deployment, in the order of their declaration.

    `module` is the user's module, which declares them; None where the deployment has none.
    """

    types: tuple[TaskType, ...] = ()
    module: str | None = None

    @property
    def names(self) -> list[str]:
        return [task_type.name for task_type in self.types]

    def find(self, name: str) -> TaskType | None:
        """Return the type of this name, or None."""
        return next((task_type for task_type in self.types if task_type.name == name), None)

    def with_experiment(self) -> Manifest:
        """Return the manifest with the built-in experiment, which is the default where no other type is declared."""
        return replace(self, types=(*self.types, replace(EXPERIMENT, is_default=not self.types)))

    def resolve(self, name: str | None) -> TaskType:
        """Return the type that a submission is for: the one it names, else the default one.

        Raises:
            UnknownTypeError: no type has this name; or the name is None and no type is the default.
        """
        hint = f"Types: {', '.join(self.names)}." if self.types else "This deployment has no task types."
        if name is None:
            default = next((task_type for task_type in self.types if task_type.is_default), None)
            if default is None:
                raise UnknownTypeError("The task has no type, and no type is declared default=True.", hint)
            return default
        task_type = self.find(name)
        if task_type is None:
            raise UnknownTypeError(f"Unknown task type {_shortened(name)}.", hint)
        return task_type


def encode_manifest(manifest: Manifest) -> str:
    """Return the manifest as JSON, the same text for the same types."""
    document = _present({"version": MANIFEST_VERSION, "module": manifest.module, "types": types_to_json(manifest)})
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def types_to_json(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the types of the manifest as JSON, as the file and `GET /openapi.json` have them."""
    return [_type_to_json(task_type) for task_type in manifest.types]


def parse_manifest(text: str | bytes) -> Manifest:
    """Return the manifest that `text` holds.

    Raises:
        ManifestError: it is not a manifest, or one of a newer version.
    """
    try:
        document = json.loads(text)
        version = document["version"]
        if version > MANIFEST_VERSION:
            raise ManifestError(
                f"The manifest has version {version}; this ftask reads up to {MANIFEST_VERSION}.",
                "Deploy with the version of ftask that built it.",
            )
        return Manifest(tuple(_type_from_json(entry) for entry in document["types"]), document.get("module"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ManifestError(f"The manifest cannot be read: {error!r}.", "Deploy again to rebuild it.") from None


def _type_to_json(task_type: TaskType) -> dict[str, Any]:
    options = task_type.options
    return {
        "name": task_type.name,
        "doc": task_type.doc,
        "arguments": [_argument_to_json(argument) for argument in task_type.arguments],
        "acceptsMore": task_type.accepts_more,
        "options": _present(
            {
                "maxAttempts": options.max_attempts,
                "backoffSeconds": None if options.backoff is None else list(options.backoff),
                "jitter": options.jitter,
                "timeoutSeconds": options.timeout_seconds,
                "isolated": options.isolated or None,
                "schedule": None if options.schedule is None else schedule_to_json(options.schedule),
            }
        ),
        "default": task_type.is_default,
    } | _present({"schema": task_type.schema})


def _type_from_json(entry: Mapping[str, Any]) -> TaskType:
    options = entry.get("options", {})
    backoff = options.get("backoffSeconds")
    return TaskType(
        name=entry["name"],
        arguments=tuple(_argument_from_json(argument) for argument in entry["arguments"]),
        accepts_more=entry["acceptsMore"],
        doc=entry.get("doc", ""),
        options=Options(
            max_attempts=options.get("maxAttempts"),
            backoff=None if backoff is None else (backoff[0], backoff[1]),
            jitter=options.get("jitter"),
            timeout_seconds=options.get("timeoutSeconds"),
            isolated=options.get("isolated", False),
            schedule=schedule_from_json(options["schedule"]) if "schedule" in options else None,
        ),
        is_default=entry["default"],
        schema=entry.get("schema"),
    )


def schedule_to_json(schedule: TypeSchedule) -> dict[str, Any]:
    """Return a schedule as the manifest has it."""
    values = {"cron": schedule.cron, "every": schedule.every, "overlap": schedule.overlap}
    zone = None if schedule.cron is None else schedule.timezone
    return _present({**values, "timezone": zone, "catchUp": schedule.catch_up or None})


def schedule_from_json(entry: Mapping[str, Any]) -> TypeSchedule:
    """Return the schedule in an entry of the manifest."""
    return TypeSchedule(
        entry.get("cron"),
        entry.get("timezone", "UTC"),
        entry.get("every"),
        entry["overlap"],
        entry.get("catchUp", False),
    )


def _argument_to_json(argument: Argument) -> dict[str, Any]:
    fields = {"name": argument.name, "required": argument.required} | _present({"annotation": argument.annotation})
    # A default of null is a default. Without the field, the argument is required or its default is not JSON.
    return fields if argument.default is None else fields | {"default": json.loads(argument.default)}


def _argument_from_json(entry: Mapping[str, Any]) -> Argument:
    default = json.dumps(entry["default"]) if "default" in entry else None
    return Argument(entry["name"], entry["required"], entry.get("annotation"), default)


def _takes_text(annotation: str) -> bool:
    """Return whether a value of this annotation may be a text, as far as its names tell."""
    while (outer := _BRACKETS.sub("", annotation)) != annotation:
        annotation = outer
    return not {name.strip() for name in annotation.split("|")} <= _NOT_TEXT


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _listed(names: list[str]) -> str:
    """`argument 'a'`, `arguments 'a', 'b' and 3 more`."""
    shown = ", ".join(map(_shortened, names[:_MAX_NAMES]))
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return f"argument{'' if len(names) == 1 else 's'} {shown}{more}"


def _shortened(name: str) -> str:
    return repr(name if len(name) <= _MAX_NAME_LENGTH else name[:_MAX_NAME_LENGTH] + "…")
