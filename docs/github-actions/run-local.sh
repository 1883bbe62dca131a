#!/usr/bin/env bash
# Runs the steps of plan.yml in this folder as a runner would: run-local.sh BASE
#
# BASE is the commit that a pull request would be based on. Nothing is installed, and nobody is told: actions are passed
# over, and `gh` prints what it would have posted.
set -euo pipefail

base=${1:?usage: run-local.sh BASE}
workflow=$(cd "$(dirname "$0")" && pwd)/plan.yml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/bin" "$work/steps" "$work/temp"
cat > "$work/bin/gh" <<'GH'
#!/usr/bin/env bash
echo "gh $*"
while [ $# -gt 0 ]; do
  if [ "$1" = --body-file ]; then cat "$2"; fi
  shift
done
GH
chmod +x "$work/bin/gh"

# One script for each step that runs something; its name says its place.
python3 - "$workflow" "$work/steps" <<'PY'
import sys
from pathlib import Path

from ruamel.yaml import YAML

workflow, folder = map(Path, sys.argv[1:])
steps = YAML(typ="safe").load(workflow)["jobs"]["plan"]["steps"]
for number, step in enumerate(steps):
    if "run" in step and step.get("name") != "Install":
        (folder / f"{number:02d}-{step['name']}").write_text(step["run"], encoding="utf-8")
PY

export BASE="$base" NUMBER=0 GH_TOKEN="" GITHUB_ENV="$work/env" GITHUB_STEP_SUMMARY="$work/summary" RUNNER_TEMP="$work/temp"
export PATH="$work/bin:$PATH"
touch "$GITHUB_ENV"
for step in "$work"/steps/*; do
  echo "== ${step##*-}"
  set -a
  # shellcheck source=/dev/null
  . "$GITHUB_ENV"
  set +a
  bash -eo pipefail "$step"
done
