#!/usr/bin/env bash
# Versions: event-ruler 0.3.0 (the PyPI binding for testing EventBridge patterns in Python).
# Behaviour: {"anything-but": ["x"]} works, the documented forms {"anything-but": "x"} and {"anything-but": [1, 2]}
#   raise RuntimeError("invalid pattern"), as do numeric and prefix.
# Surprise: it bears the name of AWS's own matching library and promises to test EventBridge patterns, and exists and
#   the list form work, so a refusal reads as if the pattern were wrong.
# Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
# Seen:
#   {"exists": true}          on "y"      True
#   {"anything-but": ["x"]}   on "y"      True
#   {"anything-but": "x"}     on "y"      invalid pattern
#   {"anything-but": [1, 2]}  on 3        invalid pattern
#   {"numeric": [">", 5]}     on 6        invalid pattern
#   {"prefix": "y"}           on "yes"    invalid pattern
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check event-ruler==0.3.0

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

from event_ruler import event_ruler

print("event-ruler", version("event-ruler"))
seen = []
for matcher, value in [
    ('{"exists": true}', '"y"'),
    ('{"anything-but": ["x"]}', '"y"'),
    ('{"anything-but": "x"}', '"y"'),
    ('{"anything-but": [1, 2]}', "3"),
    ('{"numeric": [">", 5]}', "6"),
    ('{"prefix": "y"}', '"yes"'),
]:
    try:
        seen.append(event_ruler.test_event_pattern('{"a": %s}' % value, '{"a": [%s]}' % matcher))
    except RuntimeError as error:
        seen.append(str(error))
    print(f"{matcher:25} on {value:8} {seen[-1]}")
assert seen == [True] * 2 + ["invalid pattern"] * 4, seen
PYTHON
