/** A set of pictures for those who have none at hand. */
import { $, h, iconButton, say } from "./dom.js";

const names = await (await fetch("/samples")).json();

/** `chosen(files, asFiles)` gets stand-ins for files: `content()` fetches the bytes when they are sent. */
export function chooseSamples(chosen) {
  const dialog = $("samples");
  const picked = new Set();
  const count = h("span", { role: "status" });
  const boxes = new Map();
  const pick = (name, wanted) => {
    if (wanted) picked.add(name);
    else picked.delete(name);
    boxes.get(name).checked = wanted;
    count.textContent = say("chosen", { count: picked.size });
    for (const button of actions) button.disabled = !picked.size;
  };
  const set = ([key, samples]) =>
    h(
      "fieldset",
      {},
      h("legend", {}, say(`set-${key}`)),
      h(
        "div.quick",
        {},
        [10, samples.length]
          .filter((number, place) => place || number < samples.length)
          .map((number) =>
            h(
              "button.plain",
              {
                type: "button",
                "aria-label": say("first-ones", { count: number }),
                onclick: () => samples.forEach((name, place) => pick(name, place < number)),
              },
              String(number),
            ),
          ),
      ),
      h("div.grid", {}, samples.map(box)),
    );
  const box = (name) => {
    boxes.set(name, h("input", { type: "checkbox", onchange: (event) => pick(name, event.target.checked) }));
    return h(
      "label",
      { title: name },
      boxes.get(name),
      h("img", { src: `/samples/${name}?thumbnail=true`, alt: name, loading: "lazy" }),
      h("small", {}, name),
    );
  };
  const take = (asFiles) => () => {
    dialog.close();
    dialog.replaceChildren();
    chosen([...picked].map(standIn), asFiles);
  };
  const actions = [
    h("button", { type: "button", onclick: take(false) }, say("as-photos")),
    h("button", { type: "button", onclick: take(true) }, say("as-files")),
  ];
  dialog.replaceChildren(
    h(
      "header",
      {},
      h("h2", { id: "samples-title" }, say("samples")),
      iconButton("close", say("close"), () => dialog.close()),
    ),
    h("div.sets", {}, Object.entries(names).map(set)),
    h("footer", {}, count, actions),
  );
  pick(names.portraits[0], false);
  dialog.showModal();
}

function standIn(name) {
  const address = `/samples/${name}`;
  return {
    name,
    type: "image/jpeg",
    small: `${address}?thumbnail=true`,
    content: async () => (await fetch(address)).blob(),
  };
}
