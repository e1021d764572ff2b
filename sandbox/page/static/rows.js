/** The product's rows, newest first; what has changed just now is marked, with what it was before. */
import { $, clock, h, say } from "./dom.js";
import * as log from "./log.js";
import { carries, chip, forget } from "./trail.js";

const TABLES = ["trainings", "inbox_events", "notifications", "avatars", "uploads"];
const LINKED = ["correlation_id", "training_id", "request_id"];
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+/;
const cards = new Map();

export function reset() {
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

export function hear({ table, key, row, before }) {
  const place = `${table} ${key}`;
  const old = cards.get(place);
  if (row) put(place, table, key, row, before, old);
  else gone(place, old);
  const nothing = $(`table-${table}`).querySelector(".nothing");
  nothing.hidden = Boolean($(`table-${table}`).querySelector(".card"));
  log.change(table, key, row, before);
}

export function idsOf(table, row) {
  const own = table === "trainings" ? [row.id] : [];
  const told = table === "notifications" && row.message_id ? [`message ${row.message_id}`] : [];
  return [...own, ...told, ...LINKED.map((name) => row[name])];
}

function put(place, table, key, row, before, old) {
  const card = draw(key, row, before, table);
  if (old) {
    card.querySelector("details").open = old.querySelector("details").open;
    forget(old);
    old.replaceWith(card);
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
  const state = row.state ?? row.outcome;
  const brief = Object.keys(row).filter(
    (name) => changed.includes(name) || (row[name] !== null && BRIEF[table].includes(name)),
  );
  const rest = Object.keys(row).filter((name) => !brief.includes(name) && name !== "state" && name !== "id");
  return h(
    `article.card.${before ? "changed" : "fresh"}`,
    { "data-key": key },
    h(
      "header",
      {},
      chip(table === "trainings" ? key : (row.correlation_id ?? null)) ?? h("code", {}, `#${key}`),
      state &&
        h(
          `span.state.${state}`,
          { title: changed.includes("state") ? `${before.state} →` : null },
          changed.includes("state") ? `${before.state} → ${state}` : state,
        ),
    ),
    h(
      "dl",
      {},
      brief.filter((name) => name !== "state").map((name) => cell(name, row, before, changed)),
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
  return [
    h("dt", {}, name),
    h(changed.includes(name) ? "dd.new" : "dd", { title: String(row[name]), "data-column": name }, ...was, link),
  ];
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

export function shown(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string" && TIME.test(value)) return clock(value, true);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
