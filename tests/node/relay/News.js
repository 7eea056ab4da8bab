import { graphql } from "react-relay";

export const page = graphql`
  fragment News_page on NewsPage @refetchable(queryName: "NewsRefetchQuery") {
    title
    updatedAt
    body { id blockType }
  }
`;
export const children = graphql`
  fragment News_children on PageInterface
  @argumentDefinitions(first: { type: "Int", defaultValue: 10 }, after: { type: "String" })
  @refetchable(queryName: "NewsChildrenQuery") {
    children(first: $first, after: $after) @connection(key: "News_children") { edges { node { heading } } }
  }
`;
