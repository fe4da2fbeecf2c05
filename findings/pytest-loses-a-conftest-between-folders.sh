#!/usr/bin/env bash
# Versions: pytest 9.1.1 and 9.0.1.
# Behaviour: named in the order tasks/test_a.py, test_b.py, tasks/test_c.py, the files of one run no longer all see
#   tasks/conftest.py: its fixture is "not found" in test_c.py, and its autouse fixtures silently do not run there.
#   With the two files of the folder next to each other all pass, and pytest 9.0.1 passes in every order.
# Surprise: which conftest.py a test sees is a matter of folders, not of the order on the command line. The list of
#   changed files that a script hands to pytest can have any order.
# Source: https://docs.pytest.org/en/stable/reference/fixtures.html (conftest.py: fixtures for a whole directory).
# Seen:
#   pytest 9.1.1, out of order: 1 failed, 2 passed, 1 error
#   pytest 9.1.1, in order:     4 passed
#   pytest 9.0.1, out of order: 4 passed
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir tasks
cat > tasks/conftest.py <<'PYTHON'
import pytest


@pytest.fixture
def job():
    return 1


@pytest.fixture(autouse=True)
def prepared(monkeypatch):
    monkeypatch.setenv("PREPARED", "1")
PYTHON
echo 'def test_a(job): assert job' > tasks/test_a.py
echo 'def test_b(): pass' > test_b.py
cat > tasks/test_c.py <<'PYTHON'
import os


def test_c(job):
    assert job


def test_prepared():
    assert "PREPARED" in os.environ
PYTHON
python3 -m venv venv
run() {
  (venv/bin/pytest --quiet -p no:cacheprovider "$@" || true) | tail -n 1 | sed 's/ in .*//'
}
for version in 9.1.1 9.0.1; do
  venv/bin/pip install --quiet --no-compile --disable-pip-version-check "pytest==$version"
  echo "pytest $version, out of order: $(run tasks/test_a.py test_b.py tasks/test_c.py)"
  echo "pytest $version, in order:     $(run tasks/test_a.py tasks/test_c.py test_b.py)"
done | tee seen.txt
diff seen.txt - <<'SEEN'
pytest 9.1.1, out of order: 1 failed, 2 passed, 1 error
pytest 9.1.1, in order:     4 passed
pytest 9.0.1, out of order: 4 passed
pytest 9.0.1, in order:     4 passed
SEEN
