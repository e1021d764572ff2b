/** The processes' words and the rows' changes in one list, as they came. */
import { $, clock, h, say } from "./dom.js";
import { idsOf, shown } from "./rows.js";
import { carries, chip, forget } from "./trail.js";

const MOST = 600;
const KNOWN = new Set(["process", "event", "message", "level", "logger", "timestamp", "correlation_id", "offset"]);
let list, told; // where the last line of each process stood

export function reset() {
  told = {};
  list = h("ol.lines", { tabindex: "0", "aria-label": say("log") });
  $("log").replaceChildren(list);
}

/** A line that another stream has told already is left out. */
export function hear(line) {
  if (line.offset <= told[line.process]) return;
  told[line.process] = line.offset;
  const fields = Object.entries(line)
    .filter(([name]) => !KNOWN.has(name))
    .map(([name, value]) => `${name}=${shown(value)}`);
  add(
    h(
      `li.${line.level ?? "INFO"}`,
      { title: fields.join("\n") },
      h("time", {}, line.timestamp ? clock(line.timestamp, true) : ""),
      h(`span.process.${line.process}`, {}, line.process),
      h("b", {}, line.event),
      chip(line.correlation_id),
      h("p", {}, line.message ?? "", h("small", {}, fields.join(" "))),
    ),
    [line.correlation_id, line.training_id, line.request_id],
  );
}

/** A row's change as a line. */
export function change(table, key, row, before) {
  const names =
    row && before ? Object.keys(row).filter((name) => JSON.stringify(row[name]) !== JSON.stringify(before[name])) : [];
  const words = !row
    ? say("row-gone")
    : before
      ? names.map((name) => `${name}: ${brief(before[name])} → ${brief(row[name])}`).join(", ")
      : say("row-new");
  const ids = idsOf(table, row ?? before);
  add(
    h(
      "li.row",
      {},
      h("time", {}, clock(Date.now(), true)),
      h("span.process.database", {}, table),
      h("b", {}, `#${key.slice(0, 8)}`),
      chip((row ?? before).correlation_id ?? (table === "trainings" ? key : null)),
      h("p", {}, words),
    ),
    ids,
  );
}

const brief = (value) => (shown(value).length > 48 ? `${shown(value).slice(0, 46)}…` : shown(value));

export function toEnd() {
  if (list) list.scrollTop = list.scrollHeight;
}

function add(item, ids) {
  const stick = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  list.append(item);
  carries(item, ids);
  while (list.children.length > MOST) {
    forget(list.firstChild);
    list.firstChild.remove();
  }
  if (stick) toEnd();
}
