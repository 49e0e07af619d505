// What the client scripts share: the plan they are given, one line of JSON per finished case (see `python/harness.py`), and
// exact sums.
"use strict";

const { readFileSync } = require("node:fs");

const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));

function same(what, found, expected) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: found ${a}, expected ${b}`);
}

function holds(text, part) {
  if (!String(text).includes(part)) throw new Error(`${JSON.stringify(part)} is not in ${JSON.stringify(text)}`);
}

/** A credential that is an API key. */
function staticToken(key) {
  return { getToken: async () => ({ token: key, expiresOnTimestamp: Date.now() + 3_600_000 }) };
}

/** Exact sum of decimal texts, with the longest fraction among them. JavaScript's numbers would round. */
function exactSum(texts) {
  const parts = texts.map((text) => /^(-?)(\d+)(?:\.(\d+))?$/.exec(text));
  const scale = Math.max(0, ...parts.map((part) => (part[3] ?? "").length));
  const units = parts.map(([, sign, whole, fraction = ""]) => BigInt(`${sign}${whole}${fraction.padEnd(scale, "0")}`));
  const sum = units.reduce((a, b) => a + b, 0n);
  const digits = (sum < 0n ? -sum : sum).toString().padStart(scale + 1, "0");
  const point = digits.length - scale;
  return `${sum < 0n ? "-" : ""}${digits.slice(0, point)}${scale > 0 ? "." : ""}${digits.slice(point)}`;
}

/** Runs `check(case)` for every case of the plan; what it throws is the case's failure. */
async function runPlan(check) {
  for (const testCase of plan.cases) {
    let failure = null;
    try {
      await check(testCase);
    } catch (error) {
      failure = String(error?.stack ?? error);
    }
    console.log(JSON.stringify({ case: testCase.name, failure }));
  }
}

module.exports = { exactSum, holds, plan, runPlan, same, staticToken };
