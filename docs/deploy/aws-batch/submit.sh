#!/usr/bin/env bash
# submit.sh QUEUE: a mirror in four parts as an array job of AWS Batch. Each child finds its number in
# AWS_BATCH_JOB_ARRAY_INDEX, and the definition says --shard 4.
set -euo pipefail
cd "$(dirname "$0")"

definition=$(aws batch register-job-definition --cli-input-json file://job-definition.json \
  --query jobDefinitionArn --output text)
aws batch submit-job --job-name davit-mirror --job-queue "${1:?which queue?}" --job-definition "$definition" \
  --array-properties size=4
