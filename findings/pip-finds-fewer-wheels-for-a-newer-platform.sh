#!/usr/bin/env bash
# Versions: pip 25.3, uv 0.9.5.
# Behaviour: pip --platform manylinux_2_28_x86_64 finds no wheel of markupsafe 3.0.2, which has one for
#   manylinux_2_17 (manylinux2014). With the older platform it finds it. uv finds it for both.
# Surprise: a wheel for glibc 2.17 runs on every later glibc, which is what the numbers in the tags are for, and pip
#   on such a machine installs it. Who builds for Lambda's Amazon Linux 2023 and names its real platform gets fewer
#   packages than who names a ten years older one; each older tag has to be listed by hand.
# Source: https://peps.python.org/pep-0600/ (a wheel of manylinux_x_y works with any later glibc).
# Seen:
#   manylinux_2_17: pip finds the wheel, uv finds the wheel
#   manylinux_2_28: pip finds nothing, uv finds the wheel
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check pip==25.3 uv==0.9.5
venv/bin/pip --version | cut -d ' ' -f 1-2
venv/bin/uv --version | cut -d ' ' -f 1-2

arguments=(--quiet --no-deps --only-binary :all: --python-version 3.12)
for platform in manylinux_2_17 manylinux_2_28; do
  venv/bin/pip download "${arguments[@]}" --platform "${platform}_x86_64" --dest "pip-$platform" markupsafe==3.0.2 \
    2> "pip-$platform.log" || grep --quiet 'No matching distribution' "pip-$platform.log"
  venv/bin/uv pip install "${arguments[@]}" --python-platform "x86_64-$platform" --target "uv-$platform" markupsafe==3.0.2
  for tool in pip uv; do
    if compgen -G "$tool-$platform/*" > /dev/null; then found="the wheel"; else found=nothing; fi
    echo "$platform: $tool finds $found"
  done
done | tee seen.txt
diff seen.txt - <<'SEEN'
manylinux_2_17: pip finds the wheel
manylinux_2_17: uv finds the wheel
manylinux_2_28: pip finds nothing
manylinux_2_28: uv finds the wheel
SEEN
