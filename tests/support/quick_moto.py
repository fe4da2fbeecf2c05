"""moto without the work that it repeats for every request, and for several threads. What it answers stays the same."""

from __future__ import annotations

import functools
import json
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import moto.core.responses
import moto.core.serialize
import moto.dynamodb.models
import moto.sqs.models
import pytest
from moto.core.botocore_stubber import BotocoreStubber
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node  # type: ignore[attr-defined]  # it is untyped
from moto.dynamodb.parsing.expressions import UpdateExpressionParser  # type: ignore[attr-defined]  # it is untyped
from moto.dynamodb.parsing.validators import (
    ActionCountValidator,
    OverlappingPathsValidator,
    UpdateExpressionValidator,
    UpdateHashRangeKeyValidator,
)
from moto.dynamodb.responses import DynamoHandler
from moto.sqs.responses import SQSResponse


@contextmanager
def quick_moto() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        # moto searches for other names under which a value might be kept; what it answers here has the very names.
        patch.setattr(
            moto.core.serialize.AttributePicker, "__call__", moto.core.serialize.DefaultAttributePicker.__call__
        )
        # The results depend on the arguments alone, and these are few.
        for home, name in (
            (moto.core.responses, "camelcase_to_underscores"),
            (moto.core.responses, "method_names_from_class"),
            (moto.sqs.models, "camelcase_to_underscores"),
            (UpdateExpressionParser, "make"),
        ):
            patch.setattr(home, name, functools.cache(getattr(home, name)))
        patch.setattr(BotocoreStubber, "process_request", _directly(BotocoreStubber.process_request))
        patch.setattr(ConditionExpressionParser, "parse", _parse_once(ConditionExpressionParser.parse))
        patch.setattr(DepthFirstTraverser, "traverse", _traverse)
        # The same copy in a fifth of the time.
        patch.setattr(Node, "__deepcopy__", lambda tree, _: _unpickled(pickle.dumps(tree)), raising=False)
        patch.setattr(moto.dynamodb.models, "UpdateExpressionValidator", _Validator)
        patch.setattr(moto.sqs.models.Queue, "pending_message_groups", property(_pending_message_groups))
        yield


class _Validator(UpdateExpressionValidator):
    """Asks once of an expression and its names what depends on nothing else."""

    _OF_THE_EXPRESSION = (ActionCountValidator, OverlappingPathsValidator, UpdateHashRangeKeyValidator)
    _passed: set[Any] = set()  # noqa: RUF012

    def __init__(self, expression: Any, expression_attribute_names: dict[str, str], *rest: Any, **more: Any) -> None:
        super().__init__(expression, expression_attribute_names, *rest, **more)
        self._key = (expression, *sorted(expression_attribute_names.items()))
        if self._key in self._passed:
            self.processors = [step for step in self.processors if not isinstance(step, self._OF_THE_EXPRESSION)]

    def validate(self) -> Node:
        tree = super().validate()
        self._passed.add(self._key)
        return tree


_HANDLERS: dict[str, type[DynamoHandler | SQSResponse]] = {
    "DynamoDB_20120810": DynamoHandler,
    "AmazonSQS": SQSResponse,
}


def _directly(process_request: Callable[[BotocoreStubber, Any], Any]) -> Callable[[BotocoreStubber, Any], Any]:
    """The services that speak JSON over one address need no search for the service, its method and its parameters."""

    def process(stubber: BotocoreStubber, request: Any) -> Any:
        headers = {
            name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
        }
        handler_class = _HANDLERS.get(headers.get("X-Amz-Target", "").partition(".")[0])
        if handler_class is None:
            return process_request(stubber, request)
        handler = handler_class()
        handler.headers, handler.uri, handler.path = headers, request.url, urlsplit(request.url).path
        handler.querystring, handler.uri_match, handler.response_headers = {}, {}, {}
        handler.region, handler.partition = urlsplit(request.url).netloc.split(".")[1], "aws"
        handler.access_key, handler.current_account = handler.get_access_key(), handler.get_current_account()
        handler.params = json.loads(request.body)
        return handler.call_action()

    return process


def _pending_message_groups(queue: Any) -> set[str]:
    """moto's own, over a copy: another thread may change the set meanwhile."""
    return {message.group_id for message in set(queue.pending_messages) if message.group_id is not None}


def _parse_once(parse: Callable[[ConditionExpressionParser], Any]) -> Callable[[ConditionExpressionParser], Any]:
    """A request is parsed twice: to see which names and values it uses, and to evaluate its condition."""

    @functools.lru_cache(maxsize=100)
    def parsed(condition: bytes) -> tuple[Any, list[str], list[str]]:
        parser = ConditionExpressionParser(*_unpickled(condition))
        return parse(parser), parser.expr_attr_names_found, parser.expr_attr_values_found

    def parse_once(parser: ConditionExpressionParser) -> Any:
        condition = (parser.condition_expression, parser.expression_attribute_names, parser.expression_attribute_values)
        test, names, values = parsed(pickle.dumps(condition))
        parser.expr_attr_names_found += names
        parser.expr_attr_values_found += values
        return test

    return parse_once


_is_a: Callable[[Any, Any], bool] = functools.cache(issubclass)


def _traverse(traverser: Any, tree: Any) -> Any:
    """moto's own way through a syntax tree, which asks at every node again what is to be processed."""
    processed = traverser.nodes_to_be_processed()

    def visit(node: Any, child_id: int) -> Any:
        if not _is_a(type(node), Node):
            return node
        parent = node.parent
        for number, child in enumerate(node.children or ()):
            traverser.pre_processing_of_child(node, number)
            visit(child, number)
        if _is_a(type(node), processed):
            node = traverser.process(node)
            node.parent = parent
            if parent:
                parent.children[child_id] = node
        return node

    return visit(tree, -1)


def _unpickled(data: bytes) -> Any:
    return pickle.loads(data)  # noqa: S301 - what this process has pickled itself
