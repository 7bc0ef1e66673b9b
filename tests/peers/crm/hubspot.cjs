// Works a portal with HubSpot's own client: {url, token, calls: [[path, …arguments], …]} on standard input; for each
// call what it returned, with the class that the client made of it, as JSON on standard output.
const { Client } = require("@hubspot/api-client");

async function called(client, [path, ...args]) {
  const names = path.split(".");
  const method = names.pop();
  const api = names.reduce((at, name) => at[name], client);
  try {
    const value = await api[method](...args);
    return { class: value?.constructor?.name ?? null, value };
  } catch (error) {
    return { error: error.code ?? error.name, body: error.body ?? error.message };
  }
}

async function main() {
  let text = "";
  for await (const part of process.stdin) text += part;
  const { url, token, calls } = JSON.parse(text);
  const client = new Client({ accessToken: token, basePath: url, numberOfApiCallRetries: 3 });
  const found = [];
  for (const call of calls) found.push(await called(client, call));
  process.stdout.write(JSON.stringify(found));
}

main();
