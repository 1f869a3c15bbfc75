"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const make = (tag, given = {}, ...inside) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(given)) made.setAttribute(name, value);
    made.append(...inside);
    return made;
  };
  const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
  const LOCAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/;
  let about = JSON.parse(at("about").textContent);
  let key = "";
  let turn = 0;

  const begin = () => {
    at("lead").textContent = about.lead;
    at("facts").replaceChildren(...about.facts.map(([name, value, title]) => {
      const shown = make("dd", title ? { title } : {}, value);
      return make("div", {}, make("dt", {}, name), shown);
    }));
    at("fields").replaceChildren(...about.columns.map(field));
    at("another").hidden = about.examples.length < 2;
    at("door").hidden = true;
    at("main").hidden = false;
    fill();
  };

  const field = (column, place) => {
    const id = `c${place}`;
    const hint = [column.type, column.seen].filter(Boolean).join(", ");
    return make("div", { class: "field" },
      make("label", { for: id }, column.name),
      make("span", { class: "hint", id: `${id}-hint` }, hint),
      input(column, id),
      make("span", { class: "wrong", id: `${id}-wrong` }));
  };

  const input = (column, id) => {
    const told = { id, "aria-describedby": `${id}-hint ${id}-wrong` };
    const missing = column.nullable ? [make("option", { value: "" }, "(missing)")] : [];
    const choices = column.categories.length ? column.categories
      : column.kind === "boolean" && column.nullable ? ["true", "false"] : null;
    if (choices) return make("select", told, ...missing, ...choices.map((each) => make("option", { value: each }, String(each))));
    if (column.kind === "boolean") return make("input", { ...told, type: "checkbox" });
    const given = { ...told, type: "text", autocomplete: "off", spellcheck: "false" };
    if (column.kind === "number" || column.kind === "integer") given.inputmode = column.kind === "integer" ? "numeric" : "decimal";
    if (column.kind === "time" && about.examples.every((each) => each[column.name] == null || LOCAL.test(each[column.name]))) {
      given.type = "datetime-local";
      given.step = "any";
    }
    if (column.nullable) given.placeholder = "missing";
    return make("input", given);
  };

  const fill = () => {
    const example = about.examples[turn % Math.max(about.examples.length, 1)] || {};
    about.columns.forEach((column, place) => {
      const one = at(`c${place}`);
      const value = example[column.name];
      if (one.type === "checkbox") one.checked = value === true;
      else one.value = value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
    });
    changed();
  };

  /* Numbers are sent as they were typed: JavaScript would round the long ones. */
  const literal = (column, place) => {
    const one = at(`c${place}`);
    if (one.type === "checkbox") return String(one.checked);
    const text = one.value.trim();
    if (one.value === "" && (column.nullable || column.kind !== "text")) return "null";
    if (column.categories.length) return JSON.stringify(column.categories.find((each) => String(each) === one.value) ?? one.value);
    if (column.kind === "boolean") return text;
    if ((column.kind === "number" || column.kind === "integer") && NUMBER.test(text)) return text;
    if (column.kind === "other") { try { JSON.parse(text); return text; } catch { /* a text, then */ } }
    return JSON.stringify(one.value);
  };

  const body = () => `{"records": [{${about.columns.map((column, place) => `${JSON.stringify(column.name)}: ${literal(column, place)}`).join(", ")}}]}`;

  const changed = () => {
    const quoted = body().replaceAll("'", "'\\''");
    const header = about.keyed ? ' \\\n  -H "authorization: Bearer $KEY"' : "";
    at("curl").textContent = `curl ${new URL("predict", location.href)} \\\n  -H 'content-type: application/json'${header} \\\n  -d '${quoted}'`;
  };

  const headers = () => ({ "content-type": "application/json", ...(key ? { authorization: `Bearer ${key}` } : {}) });

  const tell = (text, said, wrong, raw) => {
    at("big").className = `big${wrong ? " alert" : text.length > 18 ? " long" : ""}`;
    at("big").textContent = text;
    at("said").textContent = said;
    at("raw-part").hidden = !raw;
    at("raw").textContent = raw;
    if (text) at("answered").scrollIntoView({ block: "nearest" });
  };

  const mark = (problems) => about.columns.forEach((column, place) => {
    const mine = problems.filter((each) => each.column === column.name).map((each) => each.problem);
    at(`c${place}-wrong`).textContent = mine.join("; ");
    if (mine.length) at(`c${place}`).setAttribute("aria-invalid", "true");
    else at(`c${place}`).removeAttribute("aria-invalid");
  });

  const short = (value) => typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(6)))
    : value === null ? "no number" : typeof value === "object" ? JSON.stringify(value) : String(value);

  const shown = ([first]) => first === null || typeof first !== "object" || Array.isArray(first) ? short(first)
    : Object.entries(first).map(([name, value]) => `${name} ${short(value)}`).join(" · ");

  const send = async () => {
    const began = performance.now();
    at("send").disabled = true;
    try {
      const answer = await fetch("predict", { method: "POST", headers: headers(), body: body() });
      const text = await answer.text();
      const spent = (performance.now() - began).toFixed(1);
      let tree = {};
      try { tree = JSON.parse(text); } catch { /* shown as it is */ }
      mark(tree.problems || []);
      const said = `${answer.status} ${answer.statusText}, ${spent} ms with the way there and back`;
      if (answer.ok) tell(shown(tree.predictions), said, false, text);
      else tell(tree.error || "No answer", said, true, text);
      const first = document.querySelector("[aria-invalid=true]");
      if (first) first.focus();
    } catch (error) {
      tell("The endpoint did not answer", String(error.message), true, "");
    } finally {
      at("send").disabled = false;
    }
  };

  at("form").addEventListener("submit", (event) => { event.preventDefault(); send(); });
  at("form").addEventListener("input", changed);
  at("another").addEventListener("click", () => { turn += 1; fill(); mark([]); tell("", "", false, ""); });
  at("copy").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(at("curl").textContent);
      at("copy").textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(at("curl"));
    }
    setTimeout(() => { at("copy").textContent = "Copy"; }, 1500);
  });
  at("door").addEventListener("submit", async (event) => {
    event.preventDefault();
    key = at("key").value.trim();
    try {
      const answer = await fetch("schema", { headers: headers() });
      if (answer.ok) { about = (await answer.json()).page; begin(); return; }
      at("key-wrong").textContent = answer.status === 401 ? "This is none of its keys." : `The endpoint answers ${answer.status}.`;
    } catch (error) {
      at("key-wrong").textContent = String(error.message);
    }
  });

  if (about) begin();
  else at("door").hidden = false;
})();
