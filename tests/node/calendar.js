// Reads a calendar as Thunderbird does, with ical.js. Prints the events as JSON, with times in UTC.
import ICAL from "ical.js";
import { readFile } from "node:fs/promises";

const calendar = new ICAL.Component(ICAL.parse(await readFile(process.argv[2], "utf8")));
const events = calendar.getAllSubcomponents("vevent").map((component) => {
  const event = new ICAL.Event(component);
  const end = component.hasProperty("dtend") ? event.endDate.toJSDate().toISOString() : null;
  const { uid, sequence, summary, location, description } = event;
  const status = component.getFirstPropertyValue("status");
  return { uid, sequence, summary, location, description, status, start: event.startDate.toJSDate().toISOString(), end };
});
console.log(JSON.stringify(events));
