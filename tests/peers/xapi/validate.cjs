// Reads one statement a line, writes for each a JSON list of the validator's warnings; an empty list means valid.
const { createInterface } = require("node:readline");
const validate = require("@learninglocker/xapi-validation/dist/index").default;

createInterface({ input: process.stdin }).on("line", (line) => {
  const warnings = validate(JSON.parse(line), ["statement"]);
  process.stdout.write(JSON.stringify(warnings.map((each) => ({ what: each.constructor.name, where: each.path ?? [] }))) + "\n");
});
