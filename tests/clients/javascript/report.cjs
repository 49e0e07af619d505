// Drives Cost Details reports with Microsoft's SDK for JavaScript, unmodified but for endpoint and credential; the CA
// comes from NODE_EXTRA_CA_CERTS. Plan in, one line of JSON per case out: see `python/harness.py`.
"use strict";

const { CostManagementClient } = require("@azure/arm-costmanagement");
const { exactSum, holds, plan, runPlan, same, staticToken } = require("./harness.cjs");

const REPORT_MS_MAX = 120_000;

/** Drives a report to its end, asks for the same operation once more by its name, and gives its result. */
async function ask({ key, scope, request }) {
  const client = new CostManagementClient(staticToken(plan.keys[key]), { endpoint: plan.endpoint });
  const options = { abortSignal: AbortSignal.timeout(REPORT_MS_MAX) };
  if (plan.poll_at_once) options.updateIntervalInMs = 1;
  const reports = client.generateCostDetailsReport;
  const result = await reports.beginCreateOperationAndWait(scope, request, options);
  const again = await reports.beginGetOperationResultsAndWait(scope, result.name, options);
  same("the operation asked for by its name", [again.name, again.status], [result.name, result.status]);
  return result;
}

/** The bytes of a blob. The link alone is the permission: no header goes with it. */
async function download(link) {
  const response = await fetch(link, { signal: AbortSignal.timeout(REPORT_MS_MAX) });
  same("status of a blob", response.status, 200);
  return Buffer.from(await response.arrayBuffer());
}

/** The cells of a CSV text: RFC 4180, nothing more. */
function parseCsv(text) {
  const rows = [];
  let row = [];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') cell += text[(i += 1)];
      else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ",") row.push(cell), (cell = "");
    else if (c === "\n") rows.push([...row, cell.replace(/\r$/, "")]), (row = []), (cell = "");
    else cell += c;
  }
  if (cell !== "" || row.length > 0) throw new Error("the last line of a blob has no end");
  return rows;
}

/** The cost cells of a blob. Every blob has the mark and the header. */
function costsOf(blob) {
  same("byte order mark", [...blob.subarray(0, 3)], [0xef, 0xbb, 0xbf]);
  const [header, ...rows] = parseCsv(blob.subarray(3).toString("utf8"));
  const cost = header.indexOf("CostInBillingCurrency");
  for (const row of rows) same("number of cells", row.length, header.length);
  return rows.map((row) => row[cost]);
}

async function checkCompleted(expected, result) {
  same("data format", result.dataFormat, "Csv");
  same("compressed", result.compressData, false);
  same("blob count", result.blobCount, result.blobs.length);
  if (result.blobCount < expected.blobs_min) throw new Error(`only ${result.blobCount} blobs`);
  if (!(result.validTill.getTime() > Date.now())) throw new Error(`the links ended at ${result.validTill}`);
  const blobs = [];
  for (const { blobLink } of result.blobs) blobs.push(await download(blobLink));
  same("blob sizes", blobs.map((blob) => blob.length), result.blobs.map((blob) => blob.byteCount));
  same("size of all blobs", result.byteCount, blobs.reduce((sum, blob) => sum + blob.length, 0));
  const costs = blobs.flatMap(costsOf);
  const ordered = (numbers) => numbers.map(Number).sort((a, b) => a - b);
  same("number of rows", costs.length, expected.costs.length);
  same("cost of each row as a number", ordered(costs), ordered(expected.costs));
  same("text of the costs", [...costs].sort(), [...expected.costs].sort());
  same("exact total", exactSum(costs), expected.total);
}

async function check(testCase) {
  const { expect: expected } = testCase;
  let result;
  try {
    result = await ask(testCase);
  } catch (error) {
    if (expected.http_status === undefined || error.statusCode === undefined) throw error;
    same("HTTP status", error.statusCode, expected.http_status);
    if (!error.code) throw new Error(`the SDK found no error code in ${error.message}`);
    holds(error.message, expected.text);
    return;
  }
  if (expected.http_status !== undefined) throw new Error(`ended as ${result.status}, but should have been refused`);
  same("status of the report", result.status, expected.status);
  if (expected.status === "Completed") await checkCompleted(expected, result);
  if (expected.status === "Failed") holds(result.error?.message, expected.text);
}

runPlan(check);
