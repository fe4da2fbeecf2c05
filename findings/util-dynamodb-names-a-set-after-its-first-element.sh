#!/usr/bin/env bash
# Versions: @aws-sdk/util-dynamodb 3.996.9 (npm).
# Behaviour: marshall decides the type of a set by its first element and turns the others into text. A set of a
#   number and a text becomes a set of numbers with "a" in it, the same in the other order a set of texts with "1".
#   Bytes after a text are stored as the text of their numbers, so the bytes 1, 2, 3 come back as "1,2,3".
# Surprise: marshall refuses a set of booleans, dates, an undefined value and a number that is too large, each with a
#   sentence; so one expects a mixed set to be refused too. The order of insertion decides between an error of
#   DynamoDB and a value that is stored with another type.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html (all
#   the elements of a set have the same type).
# Seen:
#   number, text {"NS":["1","a"]}
#   text, number {"SS":["a","1"]}
#   text, bytes {"SS":["a","1,2,3"]}
#   boolean Only Number Set (NS), Binary Set (BS) or String Set (SS) are allowed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" @aws-sdk/util-dynamodb@3.996.9

node - <<'JAVASCRIPT'
const assert = require("node:assert");
const { marshall } = require("@aws-sdk/util-dynamodb");

console.log("util-dynamodb 3.996.9, node", process.version);
const sets = {
  "number, text": new Set([1, "a"]),
  "text, number": new Set(["a", 1]),
  "text, bytes": new Set(["a", new Uint8Array([1, 2, 3])]),
};
const seen = Object.entries(sets).map(([kind, value]) => [kind, JSON.stringify(marshall({ value }).value)]);
seen.forEach((line) => console.log(...line));
assert.deepStrictEqual(Object.fromEntries(seen), {
  "number, text": '{"NS":["1","a"]}',
  "text, number": '{"SS":["a","1"]}',
  "text, bytes": '{"SS":["a","1,2,3"]}',
});
assert.throws(() => marshall({ value: new Set([true]) }), (error) => {
  console.log("boolean", error.message);
  return /are allowed/.test(error.message);
});
JAVASCRIPT
