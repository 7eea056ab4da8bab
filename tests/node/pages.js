// A front end with Apollo Client: goes through the news page by page, then looks at its cache. Prints one JSON line.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client/core";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { relayStylePagination } from "@apollo/client/utilities";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { parse, print } from "graphql";

const [uri, queryFile, ...interfaces] = process.argv.slice(2);
const query = parse(await readFile(queryFile, "utf8"));
const asked = interfaces.map((name) => `${name}: __type(name: "${name}") { possibleTypes { name } }`);
const { data } = await (
  await fetch(uri, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query: `{ ${asked.join(" ")} }` }),
  })
).json();

const cache = new InMemoryCache({
  possibleTypes: Object.fromEntries(interfaces.map((key) => [key, data[key].possibleTypes.map(({ name }) => name)])),
  typePolicies: { Query: { fields: { news: relayStylePagination(["topic", "priority", "publishedAfter"]) } } },
});
const sent = [];
let text = "";
const watching = async (address, options) => {
  const asked = options.method === "GET" ? Object.fromEntries(new URL(address).searchParams) : JSON.parse(options.body);
  sent.push(`${options.method} ${asked.query ? "text" : "hash"}`);
  return fetch(address, options);
};
const persisted = new PersistedQueryLink({
  generateHash: (document) => {
    text = print(document);
    return createHash("sha256").update(text).digest("hex");
  },
  useGETForHashedQueries: true,
});
const client = new ApolloClient({ cache, link: ApolloLink.from([persisted, new HttpLink({ uri, fetch: watching })]) });

const pages = [];
const first = 2;
let { pageInfo, edges } = (await client.query({ query, variables: { first } })).data.news;
pages.push(edges.map(({ node }) => node.title));
while (pageInfo.hasNextPage) {
  const watched = client.watchQuery({ query, variables: { first } });
  const more = await watched.fetchMore({ variables: { after: pageInfo.endCursor } });
  ({ pageInfo, edges } = more.data.news);
  pages.push(edges.map(({ node }) => node.title));
}
const nodes = client.readQuery({ query, variables: { first } }).news.edges.map(({ node }) => node);
const merged = nodes.map(({ title }) => title);
const bodies = nodes.map(({ body = [] }) => body.map(({ richText }) => richText.text));
const entities = Object.keys(cache.extract()).filter((key) => key.includes(":"));
console.log(JSON.stringify({ pages, merged, bodies, entities: entities.sort(), sent, text }));
client.stop();
