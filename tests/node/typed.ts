// A front end that reads what the contract promises: compiled by tsc --strict, and never run. Each line that says
// "@ts-expect-error" is one that must not compile.
import type { ResultOf, VariablesOf } from "@graphql-typed-document-node/core";
import { HomeDocument, MeetingDocument, NewsDocument, PageDocument } from "./generated.js";

type Home = ResultOf<typeof HomeDocument>;

export function heading(home: Home): string {
  // The site may be empty, so the partnership may be null.
  // @ts-expect-error
  home.partnership.name;
  return home.partnership?.name ?? "";
}

export function titles(news: ResultOf<typeof NewsDocument>): string[] {
  // Lists hold no nulls, and news has a title.
  return news.news.edges.map(({ node }) => node.title.toUpperCase());
}

export function blocks(page: ResultOf<typeof PageDocument>["page"]): string[] {
  if (page?.__typename !== "NewsPage") return [];
  return page.body.map((block) => {
    switch (block.__typename) {
      case "HeadingBlock":
        return `${block.level} ${block.text}`;
      case "ParagraphBlock":
        return block.richText.html;
      default:
        return block.blockType;
    }
  });
}

export const asked: VariablesOf<typeof MeetingDocument> = { urlPath: "/meetings/" };
// @ts-expect-error The path must be given.
export const forgotten: VariablesOf<typeof MeetingDocument> = {};
// @ts-expect-error The API gives no such field.
export const draft = (home: Home) => home.draftTitle;
