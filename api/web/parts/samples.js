// A job as programs would send it, in three languages.

import { serviceUrl, session } from "../base.js";

/** Return the texts by language. The job's content, where it has any, is a file `photo.jpg` of the reader's. */
export function samples(job) {
  const { content, metadata: _, ...rest } = job;
  const shown = content ? { type: rest.type, content: "FILE", ...rest } : rest;
  const facts = { body: JSON.stringify(shown, null, 2), file: Boolean(content), name: `picture.${job.output.format}`, key: Boolean(session.key) };
  return { curl: curl(facts), python: python(facts), javascript: javascript(facts) };
}

const inside = (text, spaces) => text.replaceAll("\n", `\n${" ".repeat(spaces)}`);

function curl({ body, file, name, key }) {
  const auth = key ? ' -H "Authorization: Bearer $KEY"' : "";
  const upload = `FILE=$(curl -s${auth} -F file=@photo.jpg $BASE/v1/files | jq -r .id)\n`;
  return `BASE=${serviceUrl()}
${file ? upload : ""}JOB=$(curl -s${auth} -H 'Content-Type: application/json' -H 'Prefer: wait=60' $BASE/v1/jobs -d '
${body.replace('"FILE"', "\"'$FILE'\"")}' | jq -r .urls.self)
curl -sL${auth} -o ${name} $JOB/result
`;
}

function python({ body, file, name, key }) {
  const words = { true: "True", false: "False", null: "None" };
  const literal = body.replace(/: (true|false|null)\b/g, (_, word) => `: ${words[word]}`).replace('"FILE"', "photo");
  const upload = '    photo = client.files.upload("photo.jpg")\n';
  return `from atelier import Client

with Client("${serviceUrl()}"${key ? ", key=KEY" : ""}) as client:
${file ? upload : ""}    job = client.jobs.create(${inside(literal, 4)})
    client.jobs.pictures(client.jobs.wait(job))[0].save("${name}")
`;
}

function javascript({ body, file, name, key }) {
  const upload = `const form = new FormData();
form.append("file", await openAsBlob("photo.jpg"), "photo.jpg");
const photo = await (await fetch(\`\${base}/v1/files\`, { method: "POST", headers, body: form })).json();
`;
  return `import { openAsBlob } from "node:fs";
import { writeFile } from "node:fs/promises";

const base = "${serviceUrl()}";
const headers = {${key ? " Authorization: `Bearer ${KEY}` " : ""}};
${file ? upload : ""}const response = await fetch(\`\${base}/v1/jobs\`, {
  method: "POST",
  headers: { ...headers, "Content-Type": "application/json", Prefer: "wait=60" },
  body: JSON.stringify(${inside(body.replace('"FILE"', "photo.id"), 2)}),
});
const job = await response.json();
const picture = await fetch(job.outputs[0].url, { headers });
await writeFile("${name}", Buffer.from(await picture.arrayBuffer()));
`;
}
