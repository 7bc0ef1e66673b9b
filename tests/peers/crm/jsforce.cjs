// Works an organisation with jsforce: {url, token, action, …} on standard input, what came of it as JSON on standard output.
const jsforce = require("jsforce");

const actions = {
  query: (connection, { soql, scanAll }) =>
    connection.query(soql, { autoFetch: true, maxFetch: 100000, scanAll }),
  bulkQuery: async (connection, { soql, scanAll }) => {
    const rows = await connection.bulk2.query(soql, { scanAll: Boolean(scanAll), pollInterval: 5, pollTimeout: 20000 });
    return rows.toArray();
  },
  load: (connection, { job, input }) =>
    connection.bulk2.loadAndWaitForResults({ ...job, input, pollInterval: 5, pollTimeout: 20000 }),
  upsert: (connection, { object, field, records }) =>
    connection.sobject(object).upsert(records, field, { allOrNone: false }),
  update: (connection, { object, records }) => connection.sobject(object).update(records, { allOrNone: false }),
  describe: (connection, { object }) => connection.sobject(object).describe(),
  destroy: (connection, { object, ids }) => connection.sobject(object).destroy(ids),
};

async function main() {
  let text = "";
  for await (const part of process.stdin) text += part;
  const asked = JSON.parse(text);
  const connection = new jsforce.Connection({ instanceUrl: asked.url, accessToken: asked.token, version: "66.0" });
  const found = await actions[asked.action](connection, asked).catch((error) => ({ error: error.errorCode ?? error.name, message: error.message }));
  process.stdout.write(JSON.stringify({ found, limits: connection.limitInfo }));
}

main();
