// What programs do with Replicate's JavaScript client 1.4.0, against the installation that the environment names.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import Replicate, { parseProgressFromLogs, validateWebhook } from "replicate";

const { REPLICATE_BASE_URL: baseUrl, PHOTO, PAINTING } = process.env;
const DIGITS = "atelier/mnist-dcgan";
const PAINTER = "atelier/magenta-mobile";
const LONG = { interpolate: { seeds: [1, 2], steps: 256 }, grid: { columns: 16 } }; // has steps to tell of
const replicate = new Replicate({ baseUrl });
const photo = await readFile(PHOTO);
const painting = new Blob([await readFile(PAINTING)], { type: "image/png" });
const isPng = async (output) =>
  Buffer.from(await (await output.blob()).arrayBuffer()).subarray(1, 4).toString() === "PNG";

async function run() {
  const pictures = await replicate.run(DIGITS, { input: { seed: 7, count: 2 } });
  assert.equal(pictures.length, 2);
  for (const picture of pictures) assert(await isPng(picture));
  const { latest_version } = await replicate.models.get("atelier", "mnist-dcgan");
  const seen = [];
  const input = { seed: 7, output_encoding: "url" };
  const wait = { mode: "poll", interval: 100 };
  const [address] = await replicate.run(`${DIGITS}:${latest_version.id}`, { input, wait }, (now) => seen.push(now.status));
  assert.equal(seen.at(-1), "succeeded");
  assert.equal((await fetch(address)).status, 200); // without the token
  assert.equal((await fetch(address.split("?")[0])).status, 401);
  assert(await isPng(await replicate.run(PAINTER, { input: { content: photo, styles: [{ image: painting }] } })));
  let tries = 0;
  const broken = (url, init) => (url.pathname?.endsWith("/files") ? Promise.reject(new TypeError(`${++tries}`)) : fetch(url, init));
  const inline = new Replicate({ baseUrl, fetch: broken }); // what cannot be uploaded comes as a data URL
  const given = { content: new Blob([photo]), styles: [{ image: painting }] };
  assert(await isPng(await inline.run(PAINTER, { input: given })));
  assert(tries > 0);
}

async function createWaitReload() {
  const { latest_version } = await replicate.models.get("atelier", "mnist-dcgan");
  let prediction = await replicate.predictions.create({ version: latest_version.id, input: { seed: 7 } });
  assert(["starting", "processing"].includes(prediction.status));
  prediction = await replicate.wait(prediction, { interval: 100 });
  assert.equal(prediction.status, "succeeded");
  assert.deepEqual((await replicate.predictions.get(prediction.id)).input.seeds, [7]);
  const waited = await replicate.predictions.create({ model: DIGITS, input: { seed: 8 }, wait: 30 });
  assert.equal(waited.model, DIGITS);
}

async function cancel() {
  const not_before = new Date(Date.now() + 86_400_000).toISOString();
  const later = await replicate.predictions.create({ model: DIGITS, input: { not_before } });
  assert.equal((await replicate.predictions.cancel(later.id)).status, "canceled");
  const controller = new AbortController();
  const options = { input: { not_before }, wait: { mode: "poll", interval: 50 }, signal: controller.signal };
  let last;
  const output = await replicate.run(DIGITS, options, (now) => {
    last = now.status;
    controller.abort();
  });
  assert.deepEqual([output, last], [null, "canceled"]);
}

async function listAndPaginate() {
  const ids = [];
  for await (const page of replicate.paginate(replicate.predictions.list)) ids.push(...page.map(({ id }) => id));
  const small = [];
  const pages = replicate.paginate(async () => (await replicate.request("/predictions?limit=2", {})).json());
  for await (const page of pages) {
    small.push(...page.map(({ id }) => id));
    if (small.length === 4) break;
  }
  assert.deepEqual(small, ids.slice(0, 4));
}

async function files() {
  const file = await replicate.files.create(new File([photo], "photo.jpg"), { customer: 123 });
  assert.deepEqual([file.name, file.metadata, file.size], ["photo.jpg", { customer: 123 }, photo.length]);
  assert.deepEqual(await replicate.files.get(file.id), file);
  assert((await replicate.files.list()).results.some(({ id }) => id === file.id));
  assert(await replicate.files.delete(file.id));
  await assert.rejects(replicate.files.get(file.id), /404/);
}

async function stream() {
  const events = [];
  for await (const event of replicate.stream(DIGITS, { input: LONG })) events.push(event); // without the token
  const logs = events.filter(({ event }) => event === "logs");
  assert(logs.length > 0 && logs.every(({ data }) => parseProgressFromLogs(data)));
  assert.deepEqual(events.slice(logs.length).map(({ event }) => event), ["output", "done"]);
  assert(events.at(-2).data.startsWith("data:image/png;base64,"));
}

async function webhooks() {
  const requests = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += piece));
    request.on("end", () => {
      requests.push({ headers: request.headers, body });
      response.writeHead(204).end();
      if (requests.length === 2) server.close();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const webhook = `http://127.0.0.1:${server.address().port}/told`;
  const told = new Promise((resolve) => server.on("close", resolve));
  const filter = { webhook, webhook_events_filter: ["start", "completed"] };
  const { id } = await replicate.predictions.create({ model: DIGITS, input: { seed: 7 }, ...filter });
  const { key } = await replicate.webhooks.default.secret.get();
  await told;
  for (const request of requests) {
    assert(await validateWebhook(request, key));
    assert(!(await validateWebhook({ ...request, body: request.body.replace(id, "other") }, key)));
    assert.equal(JSON.parse(request.body).id, id);
  }
}

async function modelsAndVersions() {
  const { results } = await replicate.models.list();
  const names = results.map(({ owner, name }) => `${owner}/${name}`);
  assert(names.includes(DIGITS) && names.includes(PAINTER));
  assert.deepEqual((await replicate.models.search("magenta-mobile")).results.map(({ name }) => name), ["magenta-mobile"]);
  const [version] = (await replicate.models.versions.list("atelier", "magenta-mobile")).results;
  assert.deepEqual(await replicate.models.versions.get("atelier", "magenta-mobile", version.id), version);
  assert.equal((await replicate.accounts.current()).type, "user");
}

async function errors() {
  await assert.rejects(replicate.run(DIGITS, { input: { seed: "seven" } }), /422.*seed must be a whole number/s);
  const nobody = new Replicate({ baseUrl, auth: "nonsense" });
  await assert.rejects(nobody.predictions.list(), /401/);
}

async function tooMany() {
  const limit = (body) =>
    fetch(`${new URL(baseUrl).origin}/v1/owners/anonymous/quota`, {
      method: "PUT",
      headers: { Authorization: `Bearer ${process.env.REPLICATE_API_TOKEN}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  assert.equal((await limit({ daily_pixels: 1 })).status, 200);
  let tries = 0;
  const counted = new Replicate({ baseUrl, fetch: (...of) => ++tries && fetch(...of) });
  await assert.rejects(counted.run(DIGITS, { input: { seed: 7 } }), /429.*quota_exceeded/s);
  assert.equal(tries, 6); // at once: this client does not wait for Retry-After
  await limit({});
  const isLetIn = () => replicate.predictions.create({ model: DIGITS, input: { seed: 7 } }).then(() => true, () => false);
  while (!(await isLetIn())); // a spent quota counts as spent for a second more
}

const parts = [
  run, createWaitReload, cancel, listAndPaginate, files, stream, webhooks, modelsAndVersions, errors, tooMany,
];
for (const part of parts) {
  await part();
  console.log(part.name);
}
