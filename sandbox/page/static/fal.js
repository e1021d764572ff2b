/** FAL's queue, and the hands on it. */
import { $, call, clock, h, renew, say, size, toast } from "./dom.js";
import { carries, chip } from "./trail.js";

const REASONS = {
  reply: ["normal", "drop", "status"],
  outcome: ["ok", "error", "null_payload", "lost"],
  callback: ["after", "before_reply", "delayed", "lost"],
};
const LATE = 400; // seconds: FAL's signatures are good for 300
const cards = new Map();
let errors = [];
let list, seconds, planned;

export function reset() {
  cards.clear();
  errors = [];
  list = h("div.cards", {}, h("p.nothing", {}, say("no-requests")));
  seconds = h("input", {
    type: "number",
    min: "0",
    max: "3600",
    step: "any",
    onchange: ({ target }) =>
      target.reportValidity() && call("PUT", "/fal/pace", { training_seconds: target.valueAsNumber }),
  });
  planned = h("div.planned", { hidden: true });
}

export function hearPlans(news) {
  if (!errors.length) {
    errors = news.error_types;
    $("fal").replaceChildren(h("label.row", {}, say("training-seconds"), seconds), planner(), planned, list);
  }
  seconds.value = news.training_seconds;
  planned.hidden = !news.next.length;
  planned.replaceChildren(
    h("strong", {}, say("planned")),
    h("ol", {}, news.next.map((one) => h("li", {}, inFor(one)))),
    h("button.plain", { type: "button", onclick: () => call("DELETE", "/fal/behaviour") }, say("forget-plans")),
  );
}

function inFor(behaviour) {
  const words = unusual(behaviour);
  return words.length ? words : say("reply-normal");
}

/** What a request is in for, as far as it isn't the usual. */
function unusual(behaviour) {
  const kinds = Object.keys(REASONS).filter((name) => behaviour[name] !== REASONS[name][0]);
  const words = kinds.map(
    (name) =>
      `${say(name)}: ${say(`${name}-${behaviour[name]}`)}${behaviour[name] === "error" ? ` ${behaviour.error_type}` : ""}`,
  );
  if (behaviour.callback_times > 1) words.push(`${say("callback")}: ×${behaviour.callback_times}`);
  return words.map((word) => h("span.unusual", {}, word));
}

function planner() {
  const choice = (name) =>
    h(
      "select",
      { name },
      REASONS[name].map((value) => h("option", { value }, say(`${name}-${value}`))),
    );
  const submit = (event) => {
    event.preventDefault();
    const { callback_times: times, error_type: type, ...rest } = Object.fromEntries(new FormData(event.target));
    call("POST", "/fal/behaviour", { ...rest, error_type: type, callback_times: Number(times) });
  };
  const field = (name, control) => h("label.row", {}, say(name), control);
  return h(
    "details.planner",
    {},
    h("summary", {}, say("plan-next")),
    h(
      "form",
      { onsubmit: submit },
      field("reply", choice("reply")),
      field("outcome", choice("outcome")),
      field("error", errorChoice()),
      field("callback", choice("callback")),
      field("callback-times", h("input", { type: "number", name: "callback_times", min: "1", max: "20", value: "1" })),
      h("button", {}, say("plan")),
    ),
  );
}

const errorChoice = () =>
  h(
    "select",
    { name: "error_type", "aria-label": say("error") },
    errors.map((type) => h("option", { value: type }, type)),
  );

export function hear(request) {
  const id = request.request_id;
  const drawn = draw(request, cards.get(id));
  if (cards.has(id)) renew(cards.get(id), drawn);
  else {
    cards.set(id, drawn);
    list.prepend(drawn);
  }
  list.querySelector(".nothing")?.remove();
  carries(cards.get(id), [id, new URL(request.webhook_url ?? "http://none").searchParams.get("training")]);
}

function draw(request, old) {
  const open = ["IN_QUEUE", "IN_PROGRESS"].includes(request.state);
  const isOpen = (name) => old?.querySelector(`.${name}`)?.open ?? false;
  const failed = request.result && request.result.status_code !== 200;
  const state = failed ? "FAILED" : request.state;
  const parts = [
    h("header", {}, h("strong", {}, request.endpoint), h(`span.state.${state}`, {}, state)),
    summary(request),
    h("div", {}, unusual(request.behaviour)),
    open && h("progress", { max: "4", value: request.state === "IN_PROGRESS" ? String(request.logs.length) : null }),
    submitted(request, isOpen("arguments")),
    request.archive.length > 0 && archive(request, isOpen("archive")),
    request.callbacks.length > 0 && h("ol.callbacks", {}, request.callbacks.map(answered)),
    failed && h("p.meta", {}, h("code", {}, failure(request.result))),
    request.webhook_url === null && h("p.meta", {}, say("no-callback")),
    open ? steering(request) : request.result && request.webhook_url && resending(request),
  ];
  // Each part has its place, whether it is there or not, so that none is drawn anew for another's sake.
  return h(
    "article.card",
    {},
    parts.map((part) => part || h("i", { hidden: true })),
  );
}

function summary(request) {
  const words = [clock(request.submitted_at, true)];
  if (request.position !== null) words.push(say("position", { place: request.position + 1 }));
  if (request.logs.length) words.push(request.logs.at(-1).message);
  if (request.forgotten) words.push(say("forgotten"));
  return h("p.meta", {}, chip(request.request_id), ` ${words.join(" · ")}`);
}

function submitted(request, open) {
  const given = Object.entries({ ...request.arguments, webhook_url: request.webhook_url });
  const cells = given.map(([key, value]) => [h("dt", {}, key), h("dd", {}, String(value))]);
  return h("details.arguments", { open }, h("summary", {}, say("arguments")), h("dl", {}, cells));
}

function archive(request, open) {
  const pictures = request.archive.filter((entry) => entry.width);
  const exif = pictures.filter((entry) => entry.has_exif).length;
  const words = say("archive", { count: pictures.length, exif });
  return h("details.archive", { open }, h("summary", {}, words), contents(request));
}

function answered({ sent_at: sent, status_code: status, error }) {
  return h("li", {}, clock(sent, true), " → ", h(`b.${status === 200 ? "good" : "bad"}`, {}, String(status ?? error)));
}

const failure = ({ error_type: type, body, status_code: status }) => type ?? body.detail?.[0]?.type ?? status;

function contents(request) {
  const measure = (entry) => [
    h("td", {}, entry.name),
    h("td", {}, size(entry.size)),
    h("td", {}, entry.width ? `${entry.width}×${entry.height}` : ""),
    h("td", {}, entry.width ? (entry.has_exif ? "EXIF!" : "✓") : ""),
  ];
  const life = request.upload?.lifecycle?.expiration_duration_seconds;
  return h(
    "div.contents",
    {},
    request.upload &&
      h(
        "p.meta",
        {},
        `${request.upload.file_name} · ${size(request.upload.size)}${life ? ` · ${say("kept-for", { hours: life / 3600 })}` : ""}`,
      ),
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ["file", "size", "pixels", "no-exif"].map((word) => h("th", {}, say(word))),
        ),
      ),
      h(
        "tbody",
        {},
        request.archive.map((entry) => h("tr", {}, measure(entry))),
      ),
    ),
  );
}

const button = (word, onclick) => h("button.plain", { type: "button", onclick }, say(word));

function steering({ request_id: id, webhook_url: hook }) {
  const steer = (course) => () => call("POST", `/fal/requests/${id}/course`, course);
  const type = errorChoice();
  return h(
    "div.actions",
    {},
    button("finish-now", steer({ at_once: true })),
    h(
      "span.pair",
      {},
      button("fail-now", () => steer({ at_once: true, outcome: "error", error_type: type.value })()),
      type,
    ),
    button("vanish", steer({ outcome: "lost", at_once: true })),
    hook && [
      button("lose-callback", steer({ callback: "lost" })),
      button("five-times", steer({ callback_times: 5 })),
      button("delay", steer({ callback: "delayed", callback_delay: 20 })),
      button("forge", resend(id, { forged: true })),
    ],
  );
}

function resending({ request_id: id }) {
  return h(
    "div.actions",
    {},
    button("again", resend(id, {})),
    button("five-times", () => Promise.all(Array.from({ length: 5 }, resend(id, {})))),
    button("stale", resend(id, { age_seconds: LATE })),
    button("forge", resend(id, { forged: true })),
    button("stranger", resend(id, { user_id: "somebody-else" })),
  );
}

const resend = (id, how) => async () => {
  const attempt = await call("POST", `/fal/requests/${id}/callback`, how);
  toast(say("answered", { status: attempt.status_code ?? attempt.error }), $("curtain"));
};
