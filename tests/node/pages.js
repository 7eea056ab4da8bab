// A front end with Apollo Client: goes through the news page by page, then looks at its cache. Prints one JSON line.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client/core";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { relayStylePagination } from "@apollo/client/utilities";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { parse, print } from "graphql";

const [uri, queryFile, possibleTypesOf] = process.argv.slice(2);
const query = parse(await readFile(queryFile, "utf8"));
const { data } = await (
  await fetch(uri, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query: `{ __type(name: "${possibleTypesOf}") { possibleTypes { name } } }` }),
  })
).json();

const cache = new InMemoryCache({
  possibleTypes: { [possibleTypesOf]: data.__type.possibleTypes.map(({ name }) => name) },
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
const merged = client.readQuery({ query, variables: { first } }).news.edges.map(({ node }) => node.title);
const entities = Object.keys(cache.extract()).filter((key) => key.includes(":"));
console.log(JSON.stringify({ pages, merged, entities: entities.sort(), sent, text }));
client.stop();
