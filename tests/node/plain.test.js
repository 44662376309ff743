// The official Node.js SDK against `coscrypt serve`. It signs otherwise than the Python SDK (the host with its port,
// fewer headers) and encodes keys in its own way.
"use strict";

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const { createHash } = require("node:crypto");
const { mkdtempSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const readline = require("node:readline");
const { after, before, test } = require("node:test");
const COS = require("cos-nodejs-sdk-v5");

const SecretId = "AKIDINTEROP00000000000000000000000000";
const SecretKey = "interop-secret-key-0000000000000";
const at = { Bucket: "interop-1250000000", Region: "ap-guangzhou" };
const names = ["plain.bin", "with space.bin", "目录/文件 é.bin", "+~*()!'&=?#%25.bin", "é".repeat(425)];

let cos, home, server, address;

before(async () => {
  home = mkdtempSync(join(tmpdir(), "coscrypt-node-"));
  const options = { env: { HOME: home, PATH: process.env.PATH, COS_SECRET_ID: SecretId, COS_SECRET_KEY: SecretKey } };
  const folder = join(home, "store");
  server = spawn(process.env.COSCRYPT, ["serve", folder, "--listen", "127.0.0.1:0", "--bucket", at.Bucket], options);
  const [line] = await Promise.race([
    readline.createInterface({ input: server.stdout })[Symbol.asyncIterator]().next().then(({ value }) => [value]),
    new Promise((_, fail) => server.once("exit", (code) => fail(new Error(`the server ended with ${code}`)))),
  ]);
  address = line.match(/^endpoint: http:\/\/(.*)$/)[1];
  cos = client(SecretKey);
});

after(() => {
  server.kill();
  rmSync(home, { recursive: true });
});

function client(key) {
  return new COS({ SecretId, SecretKey: key, Protocol: "http:", Ip: address });
}

function pattern(length) {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 7 + Math.floor(i / 251)) & 0xff));
}

for (const size of [0, 1, 65536, (1 << 20) + 3]) {
  test(`put, head and get ${size} bytes`, async () => {
    const Body = pattern(size);
    const put = await cos.putObject({ ...at, Key: "object", Body, Headers: { "x-cos-meta-owner": "ann" } });
    assert.equal(put.ETag, `"${createHash("md5").update(Body).digest("hex")}"`);
    const head = await cos.headObject({ ...at, Key: "object" });
    assert.equal(head.headers["content-length"], String(size));
    assert.equal(head.headers["x-cos-meta-owner"], "ann");
    assert.deepEqual((await cos.getObject({ ...at, Key: "object" })).Body, Body);
  });
}

for (const Key of names) {
  test(`the name ${Key.slice(0, 20)}`, async () => {
    await cos.putObject({ ...at, Key, Body: Key });
    assert.equal((await cos.getObject({ ...at, Key })).Body.toString(), Key);
    const listed = await cos.getBucket({ ...at, Prefix: Key });
    assert.deepEqual(listed.Contents.map((item) => item.Key), [Key]);
    await cos.deleteObject({ ...at, Key });
    await assert.rejects(cos.headObject({ ...at, Key }), { statusCode: 404 });
  });
}

test("a range", async () => {
  await cos.putObject({ ...at, Key: "range", Body: pattern(5000) });
  const answer = await cos.getObject({ ...at, Key: "range", Range: "bytes=17-3000" });
  assert.equal(answer.statusCode, 206);
  assert.deepEqual(answer.Body, pattern(5000).subarray(17, 3001));
});

test("a condition that does not hold", async () => {
  await cos.putObject({ ...at, Key: "condition", Body: "data" });
  await assert.rejects(cos.getObject({ ...at, Key: "condition", IfMatch: '"other"' }), { statusCode: 412 });
});

test("pages of a listing", async () => {
  const keys = Array.from({ length: 7 }, (_, i) => `pages/${i} 文`);
  for (const Key of keys) await cos.putObject({ ...at, Key, Body: "x" });
  const seen = [];
  for (let page = { NextMarker: "" }, more = true; more; more = page.IsTruncated === "true") {
    page = await cos.getBucket({ ...at, Prefix: "pages/", Marker: page.NextMarker, MaxKeys: 3 });
    seen.push(...page.Contents.map((item) => item.Key));
  }
  assert.deepEqual(seen, keys);
});

test("a wrong secret", async () => {
  const put = client("not-the-secret").putObject({ ...at, Key: "forged", Body: "x" });
  await assert.rejects(put, { statusCode: 403, code: "SignatureDoesNotMatch" });
});

test("a bucket that is not there", async () => {
  const get = cos.getObject({ ...at, Bucket: "absent-1250000000", Key: "x" });
  await assert.rejects(get, { statusCode: 404, code: "NoSuchBucket" });
});
