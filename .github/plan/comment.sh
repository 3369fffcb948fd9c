#!/usr/bin/env bash
# Writes the comment on the pull request: the one that an earlier run made is replaced. Needs the runner's `gh` and `jq`.
set -euo pipefail
marker="<!-- ecs-gitops plan of $INSTANCE -->"
body=$(mktemp)
{
  cat "$PLAN"
  echo
  echo "$marker"
} > "$body.md"
jq --null-input --rawfile body "$body.md" '{body: $body}' > "$body"

# The author of a comment made with the workflow's token. Somebody else may quote the marker.
known=$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments" \
  --jq ".[] | select(.user.type == \"Bot\" and (.body | endswith(\"$marker\n\") or endswith(\"$marker\"))) | .id" | head -n 1)
if [ -n "$known" ]; then
  gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$known" --input "$body"
else
  gh api --silent --method POST "repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments" --input "$body"
fi
