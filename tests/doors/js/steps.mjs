// The AWS SDK for JavaScript, version 3, whose own provider assumes the role. Prints what became of each step as JSON.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const require = createRequire(join(process.env.SDK, "package.json"));
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const s3 = await load("@aws-sdk/client-s3");
const iam = await load("@aws-sdk/client-iam");
const sts = await load("@aws-sdk/client-sts");
const { fromTemporaryCredentials } = await load("@aws-sdk/credential-providers");
const { Upload } = await load("@aws-sdk/lib-storage");
const { getSignedUrl } = await load("@aws-sdk/s3-request-presigner");

const facts = JSON.parse(process.env.DOOR);
const MIB = 1024 * 1024;
const BODY = Buffer.alloc(12 * MIB, Buffer.from(Array.from({ length: 251 }, (_, number) => number)));
const Bucket = facts.bucket;
const place = { endpoint: facts.endpoint, region: facts.region, maxAttempts: 1 };
const user = { accessKeyId: facts.user[0], secretAccessKey: facts.user[1] };
const credentials = fromTemporaryCredentials({
  masterCredentials: user,
  params: { RoleArn: facts.role, RoleSessionName: "javascript" },
  clientConfig: place,
});
const client = new s3.S3Client({ ...place, credentials, forcePathStyle: true });
const send = (command, input) => client.send(new s3[command](input));
const bytes = async (answer) => Buffer.from(await answer.Body.transformToByteArray());

const steps = {
  async identity() {
    const answer = await new sts.STSClient({ ...place, credentials }).send(new sts.GetCallerIdentityCommand({}));
    return answer.Arn;
  },
  async upload() {
    await send("PutObjectCommand", { Bucket, Key: "small", Body: "small", Metadata: { colour: "blue" } });
    const upload = new Upload({
      client,
      params: { Bucket, Key: "deep/parts ü+", Body: BODY, ChecksumAlgorithm: "CRC32" },
      partSize: 5 * MIB,
    });
    return (await upload.done()).ETag.endsWith('-3"');
  },
  async listed() {
    const keys = [];
    for await (const page of s3.paginateListObjectsV2({ client, pageSize: 1 }, { Bucket })) {
      keys.push(...(page.Contents ?? []).map((found) => found.Key));
    }
    return keys;
  },
  async download() {
    const answer = await send("GetObjectCommand", { Bucket, Key: "deep/parts ü+", ChecksumMode: "ENABLED" });
    return BODY.equals(await bytes(answer));
  },
  async ranged() {
    const Range = `bytes=${5 * MIB - 2}-${5 * MIB + 2}`;
    const answer = await send("GetObjectCommand", { Bucket, Key: "deep/parts ü+", Range });
    return [answer.ContentRange, (await bytes(answer)).equals(BODY.subarray(5 * MIB - 2, 5 * MIB + 3))];
  },
  async copied() {
    await send("CopyObjectCommand", { Bucket, Key: "copy", CopySource: `${Bucket}/${encodeURIComponent("deep/parts ü+")}` });
    return (await send("HeadObjectCommand", { Bucket, Key: "copy" })).ContentLength;
  },
  async streamed() {
    // A body of known length that is read only once goes out in chunks with a trailing checksum.
    const { Readable } = await import("node:stream");
    const sent = BODY.subarray(0, MIB + 1);
    const Body = Readable.from([sent.subarray(0, 70000), sent.subarray(70000)]);
    await send("PutObjectCommand", { Bucket, Key: "streamed", Body, ContentLength: sent.length });
    return (await bytes(await send("GetObjectCommand", { Bucket, Key: "streamed" }))).equals(sent);
  },
  async presigned() {
    const plain = new s3.S3Client({ ...place, credentials, forcePathStyle: true, requestChecksumCalculation: "WHEN_REQUIRED" });
    const put = await getSignedUrl(plain, new s3.PutObjectCommand({ Bucket, Key: "signed" }), { expiresIn: 60 });
    const stored = await fetch(put, { method: "PUT", body: "signed" });
    const get = await getSignedUrl(plain, new s3.GetObjectCommand({ Bucket, Key: "signed" }), { expiresIn: 60 });
    const other = await fetch(get.replace("/signed?", "/small?"));
    return [stored.status, await (await fetch(get)).text(), other.status];
  },
  async created() {
    await send("PutObjectCommand", { Bucket, Key: "small", Body: "again", IfNoneMatch: "*" });
  },
  async deleted() {
    const Objects = (await steps.listed()).map((Key) => ({ Key }));
    const answer = await send("DeleteObjectsCommand", { Bucket, Delete: { Objects } });
    return [answer.Deleted.length === Objects.length, (await steps.listed()).length];
  },
  async refused() {
    await send("PutObjectCommand", { Bucket, Key: "closed/door", Body: "no" });
  },
  async missing() {
    await send("GetObjectCommand", { Bucket, Key: "nowhere" });
  },
  async refusedByIam() {
    await new iam.IAMClient({ ...place, credentials }).send(new iam.ListUsersCommand({}));
  },
};

const outcomes = {};
for (const [name, step] of Object.entries(steps)) {
  try {
    outcomes[name] = (await step()) ?? null;
  } catch (error) {
    outcomes[name] = { raised: error.name, said: error.message, status: error.$metadata?.httpStatusCode };
  }
}
console.log(JSON.stringify(outcomes));
