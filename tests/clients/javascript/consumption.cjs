// Walks usage details and reads balances with Microsoft's SDKs for JavaScript, the newest one (@azure/arm-consumption) and
// the one before (azure-arm-consumption), unmodified but for endpoint and credential; the CA comes from
// NODE_EXTRA_CA_CERTS. What is compared is told in `python/consumption.py`.
"use strict";

const { exactSum, plan, runPlan, same, staticToken } = require("./harness.cjs");

// Members of a row by what they mean here.
const FORMS = {
  newer: {
    date: "date", meter: "meterId", cost: "cost", quantity: "quantity", currency: "billingCurrency",
    resource: "resourceId", product: "product", information: "additionalInfo",
  },
  older: {
    date: "usageStart", meter: "meterId", cost: "pretaxCost", quantity: "usageQuantity", currency: "currency",
    resource: "instanceId", product: "product", information: "additionalProperties",
  },
};
const names = FORMS[plan.form];

/** The newest SDK, with a note of each body that it was sent. */
function newest({ key, subscription }) {
  const { ConsumptionManagementClient } = require("@azure/arm-consumption");
  const bodies = [];
  const policy = {
    name: "noteBodies",
    sendRequest: async (request, next) => {
      const answer = await next(request);
      bodies.push(answer.bodyAsText);
      return answer;
    },
  };
  const options = { endpoint: plan.endpoint, additionalPolicies: [{ policy, position: "perCall" }] };
  const sdk = new ConsumptionManagementClient(staticToken(plan.keys[key]), subscription, options);
  const usage = async ({ scope, options }) => {
    const rows = [];
    for await (const row of sdk.usageDetails.list(scope, options)) rows.push(row);
    return rows;
  };
  return { sdk, bodies, usage };
}

/** The SDK before, which knows each scope by a method, and the next page of each by another. */
function former({ key, subscription }) {
  const { ConsumptionManagementClient } = require("azure-arm-consumption");
  const { TokenCredentials } = require("ms-rest");
  // It takes the proxy of the variables, but not the exceptions from it. All that it calls is the address that it is given.
  for (const name of ["HTTP_PROXY", "HTTPS_PROXY"]) delete process.env[name];
  const bodies = [];
  const note = (request, next, callback) =>
    next(request, (error, response, body) => {
      if (!error) bodies.push(body);
      callback(error, response, body);
    });
  const credentials = new TokenCredentials(plan.keys[key]);
  const sdk = new ConsumptionManagementClient(credentials, subscription, plan.endpoint, { filters: [note] });
  const usage = async ({ kind, id, period, options }) => {
    const scope = kind === "subscription" ? "" : kind[0].toUpperCase() + kind.slice(1);
    const method = methodOf(scope, period);
    const details = sdk.usageDetails;
    const place = [...(scope ? [id] : []), ...(period ? [period] : [])];
    const rows = [];
    let page = await details[method](...place, options);
    rows.push(...page);
    while (page.nextLink) {
      page = await details[`${method}Next`](page.nextLink);
      rows.push(...page);
    }
    return rows;
  };
  return { sdk, bodies, usage };
}

function methodOf(scope, period) {
  if (!scope) return period ? "listByBillingPeriod" : "list";
  return period ? `listForBillingPeriodBy${scope}` : `listBy${scope}`;
}

const CLIENTS = { "@azure/arm-consumption": newest, "azure-arm-consumption": former };

/** A body whose numbers are their texts. */
function parsed(body) {
  return JSON.parse(body, (_name, value, { source }) => (typeof value === "number" ? source : value));
}

function number(text) {
  return text === undefined ? undefined : Number(text);
}

/** Fails at the first row that is on one side only. */
function sameRows(what, found, expected) {
  const [a, b] = [found, expected].map((rows) => rows.map((row) => JSON.stringify(row)).sort());
  a.forEach((row, i) => same(what, row, b[i]));
  same(`number of rows, ${what}`, a.length, b.length);
}

async function checkUsage(testCase, client) {
  const { expect: expected } = testCase;
  const rows = await client.usage(testCase);
  const pages = client.bodies.map(parsed);
  const raw = pages.flatMap((page) => page.value);
  const wanted = plan.tables[expected.table];
  same("number of rows", rows.length, wanted.length);
  same("number of rows in the bodies", raw.length, wanted.length);
  same("number of pages", pages.length, expected.pages);
  const found = raw.map(({ properties }) => [
    properties[names.date].slice(0, 10), properties[names.meter], properties[names.cost],
  ]);
  sameRows("date, meter and cost", found, wanted);
  same("exact total", exactSum(raw.map(({ properties }) => properties[names.cost])), expected.total);
  rows.forEach((row, i) => checkRow(row, raw[i], expected.expanded));
}

/** A row as the SDK shows it, and the body that it came from. */
function checkRow(row, source, expanded) {
  const { properties } = source;
  same("id and name", [row.id, row.name], [source.id, source.name]);
  same("tags", row.tags ?? null, source.tags);
  for (const name of ["cost", "quantity"]) same(name, row[names[name]], number(properties[names[name]]));
  for (const name of ["meter", "currency", "resource", "product", "information"]) {
    same(name, row[names[name]], properties[names[name]]);
  }
  same("date", row[names.date].toISOString().slice(0, 10), properties[names.date].slice(0, 10));
  same("name of the meter", row.meterDetails?.meterName, expanded ? properties.meterDetails.meterName : undefined);
  if (!expanded) same("information", properties[names.information], undefined);
}

function balanceOf({ enrollment, period }, { balances }) {
  return period === null
    ? balances.getByBillingAccount(enrollment)
    : balances.getForBillingPeriodByBillingAccount(enrollment, period);
}

async function checkBalance(testCase, client) {
  const expected = testCase.expect.properties;
  const balance = await balanceOf(testCase, client.sdk);
  const body = parsed(client.bodies[0]);
  same("balance", body.properties, expected);
  same("id and name", [balance.id, balance.name], [body.id, body.name]);
  const shown = (value) => (/^[-0-9.]+$/.test(value) ? Number(value) : value);
  for (const [name, value] of Object.entries(expected)) {
    const wanted = Array.isArray(value) ? value.map((one) => ({ name: one.name, value: shown(one.value) })) : shown(value);
    same(name, balance[name], wanted);
  }
}

const QUESTIONS = { usage: checkUsage, balance: checkBalance };
const ASKS = {
  usage: (testCase, client) => client.usage(testCase),
  balance: (testCase, client) => balanceOf(testCase, client.sdk),
};

async function check(testCase) {
  const client = CLIENTS[plan.package](testCase);
  const { http_status: status, code } = testCase.expect;
  if (status === undefined) return QUESTIONS[testCase.asks](testCase, client);
  let refusal;
  try {
    await ASKS[testCase.asks](testCase, client);
  } catch (error) {
    refusal = error;
  }
  if (refusal === undefined) throw new Error("this should have been refused");
  if (refusal.statusCode === undefined) throw refusal;
  same("HTTP status and code", [refusal.statusCode, refusal.code], [status, code]);
}

runPlan(check);
