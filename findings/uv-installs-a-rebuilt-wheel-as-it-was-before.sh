#!/usr/bin/env bash
# Versions: uv 0.13.9.
# Behaviour: a wheel that is built again under its version into a folder of --find-links is installed with its first
#   content, from uv's cache. pip installs the new content, and so does uv with --refresh-package, or if the same
#   file is named by its path.
# Surprise: uv looks at the time of change of a wheel that is named as a file, not at one that it finds in a folder.
#   The usual loop with a library in a folder of wheels, change, build, install, ships the old code, and a hash of the
#   requirements does not tell.
# Source: https://docs.astral.sh/uv/concepts/cache/ (dependency caching: what is used as the key of each kind).
# Seen:
#   first build, uv by --find-links      TEXT = "one"
#   second build, uv by --find-links     TEXT = "one"
#   second build, uv --refresh-package   TEXT = "two"
#   second build, pip by --find-links    TEXT = "two"
#   third build, uv by path              TEXT = "three"
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export UV_CACHE_DIR="$folder/cache" PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv venv
venv/bin/pip install --quiet --no-compile uv==0.13.9
venv/bin/uv --version
mkdir wheels

build() {
  venv/bin/python - "$1" <<'PYTHON'
import sys
import zipfile

files = {
    "greeting.py": f'TEXT = "{sys.argv[1]}"\n',
    "greeting-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n",
    "greeting-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: none\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}
files["greeting-1.0.dist-info/RECORD"] = "".join(f"{name},,\n" for name in (*files, "greeting-1.0.dist-info/RECORD"))
with zipfile.ZipFile("wheels/greeting-1.0-py3-none-any.whl", "w") as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
PYTHON
}

expect() {
  local text
  text=$(cat "$2/greeting.py")
  printf '%-36s %s\n' "$3" "$text"
  [[ $text == "TEXT = \"$1\"" ]]
}

uv=(venv/bin/uv pip install --quiet --no-index)
build one
"${uv[@]}" --find-links wheels --target a greeting
expect one a 'first build, uv by --find-links'
build two
"${uv[@]}" --find-links wheels --target b greeting
expect one b 'second build, uv by --find-links'
"${uv[@]}" --find-links wheels --refresh-package greeting --target c greeting
expect two c 'second build, uv --refresh-package'
venv/bin/pip install --quiet --no-index --find-links wheels --target d greeting
expect two d 'second build, pip by --find-links'
"${uv[@]}" --target e ./wheels/greeting-1.0-py3-none-any.whl
build three
"${uv[@]}" --target f ./wheels/greeting-1.0-py3-none-any.whl
expect three f 'third build, uv by path'
