/** The product's rows, newest first; what has changed just now is marked, with what it was before. */
import { $, clock, h, replaced, say } from "./dom.js";
import * as log from "./log.js";
import { carries, chip, forget } from "./trail.js";

const TABLES = ["trainings", "inbox_events", "notifications", "avatars", "uploads"];
const LINKED = ["correlation_id", "training_id", "request_id"];
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+/;
const cards = new Map();
let opened = new Set();

/** All rows come anew; what somebody opened of them opens again. */
export function reset() {
  opened = new Set([...cards].filter(([, card]) => card.querySelector("details").open).map(([place]) => place));
  for (const card of cards.values()) forget(card);
  cards.clear();
  const table = (name) =>
    h(
      "section.table",
      { id: `table-${name}` },
      h("h3", {}, name, " ", h("small", {}, say(`table-${name}`))),
      h("p.nothing", {}, say("no-rows")),
    );
  $("rows").replaceChildren(...TABLES.map(table));
}

export function hear({ table, key, row, before, first }) {
  const place = `${table} ${key}`;
  const old = cards.get(place);
  if (row) put(place, table, key, row, before, old);
  else gone(place, old);
  const nothing = $(`table-${table}`).querySelector(".nothing");
  nothing.hidden = Boolean($(`table-${table}`).querySelector(".card:not(.gone)"));
  if (!first) log.change(table, key, row, before);
}

export function idsOf(table, row) {
  const own = table === "trainings" ? [row.id] : [];
  const told = table === "notifications" && row.message_id ? [`message ${row.message_id}`] : [];
  return [...own, ...told, ...LINKED.map((name) => row[name])];
}

function put(place, table, key, row, before, old) {
  const card = draw(key, row, before, table);
  card.querySelector("details").open = old ? old.querySelector("details").open : opened.has(place);
  if (old) {
    forget(old);
    replaced(old, card);
  } else $(`table-${table}`).querySelector(".nothing").after(card);
  cards.set(place, card);
  carries(card, idsOf(table, row));
}

function gone(place, card) {
  cards.delete(place);
  forget(card);
  card.classList.add("gone");
  setTimeout(() => card.remove(), 1500);
}

function draw(key, row, before, table) {
  const changed = Object.keys(row).filter((name) => before && !same(before[name], row[name]));
  const state = "state" in row ? "state" : "outcome" in row ? "outcome" : null;
  const others = Object.keys(row).filter((name) => name !== state && name !== "id");
  const brief = others.filter((name) => changed.includes(name) || (row[name] !== null && BRIEF[table].includes(name)));
  const rest = others.filter((name) => !brief.includes(name));
  return h(
    `article.card.${before ? "changed" : "fresh"}`,
    { "data-key": key },
    h(
      "header",
      {},
      chip(table === "trainings" ? key : (row.correlation_id ?? null)) ?? h("code", {}, `#${key}`),
      state &&
        h(
          `span.state.${row[state]}`,
          valueOf(state, row),
          changed.includes(state) ? `${shown(before[state])} → ${row[state]}` : shown(row[state]),
        ),
    ),
    h(
      "dl",
      {},
      brief.map((name) => cell(name, row, before, changed)),
    ),
    h(
      "details",
      {},
      h("summary", {}, say("all-columns")),
      h(
        "dl",
        {},
        rest.map((name) => cell(name, row, before, changed)),
      ),
    ),
  );
}

const BRIEF = {
  trainings: ["trainer", "request_id", "failure", "queue_position", "last_line", "checks", "model_url"],
  inbox_events: ["request_id", "source", "trusted", "handled_at"],
  notifications: ["kind", "attempts", "message_id", "sent_at"],
  avatars: ["name", "type", "model_url"],
  uploads: ["avatar_id", "refusal", "details"],
};

function cell(name, row, before, changed) {
  const was = changed.includes(name) && before[name] !== null ? [h("s", {}, shown(before[name])), " "] : [];
  const link = LINKED.includes(name) && row[name] ? chip(row[name]) : shown(row[name]);
  return [h("dt", {}, name), h(changed.includes(name) ? "dd.new" : "dd", valueOf(name, row), ...was, link)];
}

/** What stands there is shortened; the whole value is in the tooltip, and as JSON for whoever checks it. */
function valueOf(name, row) {
  const value = JSON.stringify(row[name]);
  return { title: value, "data-column": name, "data-value": value };
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

export function shown(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string" && TIME.test(value)) return clock(value, true);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
