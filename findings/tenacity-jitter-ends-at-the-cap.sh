#!/usr/bin/env bash
# Versions: tenacity 9.2.1.
# Behaviour: wait_exponential_jitter(max=10, jitter=5) waits a random time only until the exponential part reaches
#   the maximum; from the fifth attempt on every client waits exactly 10 seconds.
# Surprise: jitter is added for the long outage, where all clients have reached the maximum, and there it is cut off
#   with the sum. wait_random_exponential(max=10) keeps its spread.
# Source: https://tenacity.readthedocs.io/en/stable/api.html (wait_exponential_jitter: min(initial * 2**n + random,
#   maximum)).
# Seen:
#   wait_exponential_jitter attempt  1: 500 different waits, up to 6 s
#   wait_exponential_jitter attempt  3: 500 different waits, up to 9 s
#   wait_exponential_jitter attempt  5: 1 different waits, up to 10 s
#   wait_exponential_jitter attempt 20: 1 different waits, up to 10 s
#   wait_random_exponential attempt  1: 500 different waits, up to 1 s
#   wait_random_exponential attempt  3: 500 different waits, up to 4 s
#   wait_random_exponential attempt  5: 500 different waits, up to 10 s
#   wait_random_exponential attempt 20: 500 different waits, up to 10 s
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check tenacity==9.2.1

venv/bin/python - <<'PYTHON'
from importlib.metadata import version
from types import SimpleNamespace

import tenacity

print("tenacity", version("tenacity"))
spread = {}
for name, wait in [
    ("wait_exponential_jitter", tenacity.wait_exponential_jitter(max=10, jitter=5)),
    ("wait_random_exponential", tenacity.wait_random_exponential(max=10)),
]:
    for attempt in (1, 3, 5, 20):
        waits = [wait(SimpleNamespace(attempt_number=attempt)) for _ in range(500)]
        spread[name, attempt] = max(waits) - min(waits)
        print(f"{name} attempt {attempt:2}: {len(set(waits))} different waits, up to {max(waits):.0f} s")
assert spread["wait_exponential_jitter", 1] > 1 and spread["wait_exponential_jitter", 5] == 0
assert spread["wait_exponential_jitter", 20] == 0 and spread["wait_random_exponential", 20] > 1
PYTHON
