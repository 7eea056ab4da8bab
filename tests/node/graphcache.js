// A front end with urql and its normalised cache, which is told nothing about keys: runs each query, with the ids of all
// that has one, and again from the cache alone. Prints one JSON line.
import { Client, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { readFile } from "node:fs/promises";
import { getIntrospectionQuery, buildClientSchema, Kind, parse, TypeInfo, visit, visitWithTypeInfo } from "graphql";

const [url, urlPath, ...files] = process.argv.slice(2);
const ask = async (query) =>
  (await (await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ query }) })).json()).data;
const introspection = await ask(getIntrospectionQuery());
const schema = buildClientSchema(introspection);

function withIds(document) {
  const types = new TypeInfo(schema);
  return visit(
    document,
    visitWithTypeInfo(types, {
      SelectionSet: {
        leave(node) {
          if (!types.getParentType()?.getFields?.().id) return undefined;
          return { ...node, selections: [...node.selections, { kind: Kind.FIELD, name: { kind: Kind.NAME, value: "id" } }] };
        },
      },
    }),
  );
}

const warned = [];
let entities = new Set();
const cache = cacheExchange({
  schema: introspection,
  logger: (_, message) => warned.push(message),
  storage: {
    readData: async () => ({}),
    writeData: async (delta) => Object.keys(delta).forEach((key) => entities.add(key.split("\t")[0].split(".")[0])),
  },
});
console.warn = (message) => warned.push(String(message));
const client = new Client({ url, exchanges: [cache, fetchExchange], preferGetMethod: false });
const again = {};
for (const file of files) {
  const query = withIds(parse(await readFile(file, "utf8")));
  const first = await client.query(query, { urlPath, path: "/", query: "public" }).toPromise();
  if (first.error) throw first.error;
  const kept = await client
    .query(query, { urlPath, path: "/", query: "public" }, { requestPolicy: "cache-only" })
    .toPromise();
  again[file.split("/").pop()] = JSON.stringify(kept.data) === JSON.stringify(first.data);
}
await new Promise((done) => setTimeout(done, 50));
const unkeyed = warned.flatMap((message) => [...message.matchAll(/config for type `(\w+)`|`keys` config for `(\w+)`/g)].map((found) => found[1] ?? found[2]));
console.log(JSON.stringify({ again, entities: [...entities].sort(), unkeyed: [...new Set(unkeyed)].sort(), warned }));
