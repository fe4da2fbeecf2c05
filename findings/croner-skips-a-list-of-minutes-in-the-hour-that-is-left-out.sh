#!/usr/bin/env bash
# Versions: croner 11.0.1, cron-parser 5.10.6 (both npm).
# Behaviour: on the day of the change to summer time, when the hour from 3 to 4 is left out in Europe/Kyiv, croner runs
#   "30 3 * * *" at 4:00 and does not run "0,30 3 * * *" at all. On the day of the change back it runs the first once
#   and the second in both hours. cron-parser runs both of them an hour later in spring, and once in autumn.
# Surprise: the rule for the change of clocks hangs on how the minutes are written: with one number the task has a
#   fixed time, with two it counts as one that repeats, though its hour is fixed. A second run a day, wanted at the
#   half hour, takes the first one along on one Sunday and doubles it on another. The option fixedTimeRule:
#   "no-wildcard" is the rule that one expects; it is not the default.
# Source: https://croner.56k.guru/usage/pattern/ and https://github.com/harrisiirak/cron-parser#readme. Amazon
#   EventBridge Scheduler leaves the day out in spring and runs once in autumn:
#   https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html (daylight savings time).
# Seen (runs on the day, UTC):
#   croner       30 3 * * *    spring [01:00]          autumn [00:30]
#   croner       0,30 3 * * *  spring []               autumn [00:00 00:30 01:00 01:30]
#   cron-parser  30 3 * * *    spring [01:30]          autumn [00:30]
#   cron-parser  0,30 3 * * *  spring [01:00 01:30]    autumn [00:00 00:30]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" croner@11.0.1 cron-parser@5.10.6

node - <<'JAVASCRIPT'
const assert = require("node:assert");
const { Cron } = require("croner");
const { CronExpressionParser } = require("cron-parser");

const zone = "Europe/Kyiv";
const next = {
  croner: (expression, from) => new Cron(expression, { timezone: zone }).nextRuns(8, from),
  "cron-parser": (expression, from) =>
    CronExpressionParser.parse(expression, { tz: zone, currentDate: from }).take(8).map((run) => run.toDate()),
};
const seen = {};
for (const [library, runs] of Object.entries(next)) {
  console.log(library, "node", process.version);
  for (const expression of ["30 3 * * *", "0,30 3 * * *"]) {
    for (const day of ["2026-03-29", "2026-10-25"]) {
      const found = runs(expression, new Date(new Date(`${day}T00:00:00Z`) - 1))
        .map((run) => run.toISOString())
        .filter((run) => run.startsWith(day))
        .map((run) => run.slice(11, 16));
      seen[`${library} ${expression} ${day}`] = found.join(" ");
      console.log(" ", expression, day, `[${found.join(" ")}]`);
    }
  }
}
assert.deepStrictEqual(seen, {
  "croner 30 3 * * * 2026-03-29": "01:00",
  "croner 30 3 * * * 2026-10-25": "00:30",
  "croner 0,30 3 * * * 2026-03-29": "",
  "croner 0,30 3 * * * 2026-10-25": "00:00 00:30 01:00 01:30",
  "cron-parser 30 3 * * * 2026-03-29": "01:30",
  "cron-parser 30 3 * * * 2026-10-25": "00:30",
  "cron-parser 0,30 3 * * * 2026-03-29": "01:00 01:30",
  "cron-parser 0,30 3 * * * 2026-10-25": "00:00 00:30",
});
JAVASCRIPT
