// Writes src/generated.ts from ../schema.graphql and src/operations.graphql; with --check it only compares.
import { readFile, writeFile } from "node:fs/promises";
import { codegen } from "@graphql-codegen/core";
import * as typedDocumentNode from "@graphql-codegen/typed-document-node";
import * as typescriptOperations from "@graphql-codegen/typescript-operations";
import { parse } from "graphql";

const here = new URL(".", import.meta.url);
const target = new URL("src/generated.ts", here);

/** How scalars look in JSON: amounts and large numbers are strings, so that no digit is lost. */
const scalars = {
  Amount: "string",
  BigInt: "string",
  Date: "string",
  DateTime: "string",
  Duration: "string",
  ID: "string",
  Secret: "string",
};

async function read(path) {
  return parse(await readFile(new URL(path, here), "utf8"));
}

async function generate() {
  return await codegen({
    schema: await read("../schema.graphql"),
    documents: [{ location: "src/operations.graphql", document: await read("src/operations.graphql") }],
    filename: "src/generated.ts",
    pluginMap: { typescriptOperations, typedDocumentNode },
    plugins: [{ typescriptOperations: {} }, { typedDocumentNode: {} }],
    config: {
      defaultScalarType: "never",
      documentMode: "string",
      enumType: "string-literal",
      immutableTypes: true,
      scalars,
      skipTypename: true,
      strictScalars: true,
      useTypeImports: true,
    },
  });
}

const text = `// Generated from schema.graphql and operations.graphql: npm run generate\n${await generate()}`;
if (!process.argv.includes("--check")) {
  await writeFile(target, text);
} else if ((await readFile(target, "utf8").catch(() => "")) !== text) {
  console.error("src/generated.ts is not what the schema and the operations make: npm run generate");
  process.exitCode = 1;
}
