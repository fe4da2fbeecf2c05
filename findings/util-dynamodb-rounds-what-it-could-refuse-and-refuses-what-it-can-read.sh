#!/usr/bin/env bash
# Versions: @aws-sdk/util-dynamodb 3.996.9 (npm).
# Behaviour: unmarshall of a number. A fraction of 38 digits becomes a JavaScript number of 17 digits without a word; a
#   whole number beyond 2^53 becomes a BigInt, so no digit is lost. A number beyond 2^53 that is written with a point
#   or an exponent is an error, "9.9E+125" too, which is what DynamoDB itself returns for a large round number.
# Surprise: the care for large numbers makes one expect that digits are never lost; only the size is looked at. And
#   one item of a table makes a scan fail whose other items are fine.
# Source: https://github.com/aws/aws-sdk-js-v3/tree/main/packages/util-dynamodb (README: wrapNumbers) and
#   https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html (numbers have
#   up to 38 digits, and reach 9.9E+125).
# Seen:
#   0.12345678901234567890123456789012345678 number 0.12345678901234568
#   9007199254740993 bigint 9007199254740993
#   9.9E+125 error 9.9E+125 can't be converted to BigInt. Set options.wrapNumbers to get string value.
#   150000000000000000.5 error 150000000000000000.5 can't be converted to BigInt. Set options.wrapNumbers ...
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" @aws-sdk/util-dynamodb@3.996.9

node - <<'JAVASCRIPT'
const assert = require("node:assert");
const { unmarshall } = require("@aws-sdk/util-dynamodb");

console.log("util-dynamodb 3.996.9, node", process.version);
const read = (digits) => {
  try {
    const { value } = unmarshall({ value: { N: digits } });
    return [typeof value, String(value)];
  } catch (error) {
    return ["error", error.message];
  }
};
const seen = {};
for (const digits of ["0.12345678901234567890123456789012345678", "9007199254740993", "9.9E+125", "150000000000000000.5"]) {
  seen[digits] = read(digits);
  console.log(digits, ...seen[digits]);
}
assert.deepStrictEqual(Object.values(seen).map(([kind]) => kind), ["number", "bigint", "error", "error"]);
assert.strictEqual(seen["0.12345678901234567890123456789012345678"][1], "0.12345678901234568");
assert.strictEqual(Number("9.9E+125"), 9.9e125);
JAVASCRIPT
