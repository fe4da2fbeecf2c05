#!/usr/bin/env bash
# Versions: aws-cron-parser 1.1.12 (npm).
# Behaviour: "0 9 29 2 ? *" fires on 1 March in every year without a 29 February, and "0 9 31 * ? *" fires on
#   1 May and 1 July; in February the 31st becomes 3 March. aws-croniter, the like in Python, waits for the next real date.
# Surprise: cron has no date arithmetic: a day that a month lacks is no run. JavaScript's Date turns 31 April into
#   1 May, and the parser passes the day on unchecked. A forecast of "the next run" shows a day when AWS does nothing.
# Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html (day of month 1-31).
# Seen:
#   0 9 29 2 ? * 2026-03-01 2027-03-01 2028-02-29 2029-03-01
#   0 9 31 * ? * 2026-03-03 2026-03-31 2026-05-01 2026-05-31
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" aws-cron-parser@1.1.12

node - <<'JAVASCRIPT'
const assert = require("node:assert");
const parser = require("aws-cron-parser");

console.log("aws-cron-parser", require("aws-cron-parser/package.json").version, "node", process.version);
const runs = (expression) => {
  const schedule = parser.parse(expression);
  const dates = [];
  let date = new Date("2026-01-31T12:00:00Z");
  while (dates.length < 4) {
    date = parser.next(schedule, date);
    dates.push(date.toISOString().slice(0, 10));
  }
  console.log(expression, ...dates);
  return dates;
};
assert.deepStrictEqual(runs("0 9 29 2 ? *"), ["2026-03-01", "2027-03-01", "2028-02-29", "2029-03-01"]);
assert.deepStrictEqual(runs("0 9 31 * ? *"), ["2026-03-03", "2026-03-31", "2026-05-01", "2026-05-31"]);
JAVASCRIPT
