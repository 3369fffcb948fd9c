#!/usr/bin/env bash
# Plans the manifest, and leaves the comment and the JSON in the runner's temporary folder. Needs Python 3.11 or newer.
set -euo pipefail
work=$(mktemp -d "${RUNNER_TEMP:-/tmp}/ecs-gitops.XXXXXX")

if [ -n "$ROLE_ARN" ]; then
  # AWS's libraries assume the role themselves with the token of the workflow.
  umask 077
  curl --fail --silent --show-error --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
    "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com" |
    python3 -I -c 'import json, sys; sys.stdout.write(json.load(sys.stdin)["value"])' > "$work/token"
  # These would come before the token.
  unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE
  export AWS_ROLE_ARN=$ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE=$work/token AWS_ROLE_SESSION_NAME=ecs-gitops-plan
fi
if [ -n "$REGION" ]; then export AWS_REGION=$REGION; fi

# -I: a venv.py of the checkout is not run.
python3 -I -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$SOURCE/lambda_src/requirements.txt"
options=(--name "$INSTANCE")
while read -r role; do
  if [ -n "$role" ]; then options+=(--role-arn "$role"); fi
done <<< "$ROLE_ARNS"

# PYTHONSAFEPATH: nothing in the checkout is imported.
plan() {
  PYTHONSAFEPATH=1 PYTHONPATH="$SOURCE/lambda_src" "$work/venv/bin/python" -m ecs_gitops plan "$@" "${options[@]}" -- "$MANIFEST"
}

code=0
plan --format json --exit-code > "$work/plan.json" 2> "$work/problems" || code=$?
if [ -s "$work/plan.json" ] && plan --format markdown > "$work/comment.md" 2> "$work/problems"; then
  cat "$work/comment.md" >> "${GITHUB_STEP_SUMMARY:-/dev/null}"
else
  # The JSON was written and the comment could not be: that is no plan for those who read it.
  case "$code" in 0 | 2) code=1 ;; esac
  cat "$work/problems" >&2
  {
    echo "### ecs-gitops plan: there is none"
    echo
    # A fence that no line of it can end.
    echo '````text'
    head -c 20000 "$work/problems" | tr '`' "'"
    echo
    echo '````'
  } > "$work/comment.md"
fi
{
  echo "exit-code=$code"
  echo "plan=$work/plan.json"
  echo "comment=$work/comment.md"
} >> "$GITHUB_OUTPUT"
