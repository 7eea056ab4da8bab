// Reads feeds with feedsmith, one in each file named. Prints the same facts of each as JSON, whatever its format.
import { parseFeed } from "feedsmith";
import { readFile } from "node:fs/promises";

const instant = (text) => (text ? new Date(text).toISOString() : null);

const readers = {
  atom: ({ entries = [] }) =>
    entries.map((entry) => ({
      id: entry.id,
      url: entry.links.find(({ rel }) => rel === "alternate").href,
      title: entry.title.value,
      summary: entry.summary?.value ?? "",
      html: entry.content.value,
      published: instant(entry.published),
      updated: instant(entry.updated),
      categories: (entry.categories ?? []).map(({ term }) => term),
      files: entry.links
        .filter(({ rel }) => rel === "enclosure")
        .map(({ href, type, length }) => [href, type, length ?? null]),
      image: entry.media?.contents?.[0].url ?? null,
    })),
  rss: ({ items = [] }) =>
    items.map((item) => ({
      id: item.guid.value,
      url: item.link,
      title: item.title,
      summary: item.description ?? "",
      html: item.content.encoded,
      published: instant(item.pubDate),
      updated: instant(item.atom?.updated),
      categories: (item.categories ?? []).map(({ name }) => name),
      files: (item.enclosures ?? []).map(({ url, type, length }) => [url, type, length]),
      image: item.media?.contents?.[0].url ?? null,
    })),
  json: ({ items = [] }) =>
    items.map((item) => ({
      id: item.id,
      url: item.url,
      title: item.title,
      summary: item.summary ?? "",
      html: item.content_html,
      published: instant(item.date_published),
      updated: instant(item.date_modified),
      categories: item.tags ?? [],
      files: (item.attachments ?? []).map(({ url, mime_type, size_in_bytes }) => [url, mime_type, size_in_bytes ?? null]),
      image: item.image ?? null,
    })),
};

const read = async (file) => {
  const { format, feed } = parseFeed(await readFile(file, "utf8"));
  return { format, entries: readers[format](feed) };
};
console.log(JSON.stringify(await Promise.all(process.argv.slice(2).map(read))));
