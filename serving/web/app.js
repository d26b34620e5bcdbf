"use strict";
(() => {
const PAGE = 50;
const ACTIONS = ["hand_over", "hold", "nurture", "recycle", "disqualify"];
const GRADES = ["A1", "A2", "A3", "B1", "B2", "B3", "C1", "C2", "C3"];
const state = { language: "en", model: null, sort: "rank", offset: 0, request: null, added: [] };
const $ = (id) => document.getElementById(id);

// ---- words and numbers ----
function say(key, filled = {}) {
  let text = WORDS[state.language][key] || key;
  for (const [name, value] of Object.entries(filled)) text = text.replace(`{${name}}`, value);
  return text;
}
function number(value, digits = 0) {
  return value.toLocaleString(state.language === "de" ? "de-DE" : "en-GB", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}
function percent(p) { return `${number(100 * p, p < 0.1 ? 1 : 0)} %`; }
function money(value) { return `${number(value)} ${(state.model.policy.currency || "")}`.trim(); }
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// ---- the server ----
async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(path, body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body });
  } catch { throw new Error(say("network")); }
  if (answer.status === 401) { location.assign("login"); }  // the pass has ended
  const content = await answer.json();
  if (!answer.ok) throw new Error([content.detail || content.title, content.field].filter(Boolean).join(" – "));
  return content;
}
function trouble(error) {
  $("trouble").textContent = error ? error.message : "";
  $("trouble").hidden = !error;
}
async function safely(work) {
  trouble(null);
  try { await work(); } catch (error) { trouble(error); }
}

// ---- the work list ----
const COLUMNS = ["rank", "lead_id", "lead_stage", "score", "grade", "chance", "rules_chance", "expected_value", "points", "action"];
const NUMBERS = new Set(["rank", "score", "chance", "rules_chance", "expected_value", "points"]);
function heading(column) {
  const final = state.model.funnel.stages.at(-1);
  const names = { rank: "rank", lead_id: "search", lead_stage: "stage", expected_value: "value" };
  return say(names[column] || column, { final });
}
function query(paged) {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData($("filters"))) if (value) asked.set(name, value);
  asked.set("sort", state.sort);
  if (paged) { asked.set("limit", PAGE); asked.set("offset", state.offset); }
  return asked;
}
function drawHead() {
  const row = $("leads").tHead.rows[0];
  row.replaceChildren(...COLUMNS.map((column) => {
    const mine = state.sort.replace("-", "") === column;
    const order = !mine ? undefined : state.sort.startsWith("-") ? "descending" : "ascending";
    const sort = () => {
      const high = NUMBERS.has(column) && column !== "rank";
      state.sort = mine ? (state.sort.startsWith("-") ? column : `-${column}`) : high ? `-${column}` : column;
      state.offset = 0;
      safely(drawList);
    };
    const mark = order === "descending" ? " ↓" : order ? " ↑" : "";
    return element("th", { scope: "col", class: NUMBERS.has(column) ? "number" : "", "aria-sort": order },
      element("button", { type: "button", onclick: sort }, heading(column) + mark));
  }));
}
function cell(row, column) {
  const value = row[column];
  if (column === "lead_id") return element("th", { scope: "row" }, element("a", { href: `#lead=${encodeURIComponent(value)}` }, value));
  if (column === "action") {
    const look = row.human_review ? say("review") : undefined;  // somebody should look before this is done
    return element("td", { class: `action ${value}`, title: look }, say(value), look ? element("span", { role: "img", "aria-label": look }, " ⚑") : null);
  }
  const shown = value === null ? "–" : column === "chance" || column === "rules_chance" ? percent(value)
    : column === "expected_value" ? money(value) : NUMBERS.has(column) ? number(value) : value;
  const tip = column === "chance" ? say("intervals", { low: percent(row.low), high: percent(row.high) }) : undefined;
  return element("td", { class: NUMBERS.has(column) ? "number" : "", title: tip }, shown);
}
async function drawList() {
  drawHead();
  $("download").href = `v1/leads.csv?${query(false)}`;
  const found = await ask(`v1/leads?${query(true)}`);
  $("leads").tBodies[0].replaceChildren(...found.rows.map((row) => element("tr", {}, ...COLUMNS.map((column) => cell(row, column)))));
  const last = Math.min(state.offset + PAGE, found.total);
  const older = found.model.version === state.model.version ? "" : " " + say("older", { version: found.model.version });
  $("count").textContent = found.total
    ? `${say("leads_found", { n: number(found.total), day: found.as_of.slice(0, 10) })}; ${say("of", { a: number(state.offset + 1), b: number(last), n: number(found.total) })}.${older}`
    : found.filling ? "" : say("none");
  const rows = found.filling && `${number(found.filling.completed)} / ${number(found.filling.total)} ${found.filling.table.replaceAll("_", " ")}`;
  if (found.filling) $("count").textContent += ` ${found.filling.table ? say("filling", { rows }) : say("reading")}`;
  clearTimeout(state.filling);
  if (found.filling || found.waiting && !found.total) state.filling = setTimeout(() => safely(drawList), 2000);
  $("before").disabled = state.offset === 0;
  $("after").disabled = last >= found.total;
}

// ---- one lead ----
function card(title, ...children) {
  return element("section", { class: "card" }, element("h3", {}, title), ...children);
}
function bars(rows, most) {
  return rows.map(({ label, value, shown }) => {
    const width = 50 * Math.abs(value) / (most || 1);
    const fill = element("span", { class: value < 0 ? "fill down" : "fill" });
    fill.style.width = `${width}%`;
    fill.style.left = `${value < 0 ? 50 - width : 50}%`;
    return element("div", { class: "bar" }, element("span", {}, label),
      element("span", { class: "track", "aria-hidden": "true" }, fill), element("span", { class: "amount" }, shown));
  });
}
function drawSvg(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
function curve(name, probability) {
  const width = 420, height = 170, left = 44, bottom = 26, points = [{ days: 0, value: 0 }, ...probability.curve];
  const days = points.at(-1).days, top = Math.max(probability.high, 0.01);
  const x = (d) => left + (width - left - 8) * d / days, y = (v) => 8 + (height - bottom - 8) * (1 - v / top);
  const label = `${say("curve", { stage: name })}: ${probability.curve.map((p) => `${number(p.days)}: ${percent(p.value)}`).join(", ")}`;
  const made = drawSvg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  for (const share of [0, 0.5, 1]) {
    made.append(drawSvg("line", { x1: left, x2: width - 8, y1: y(share * top), y2: y(share * top), stroke: "#d5d5d5" }));
    made.append(drawSvg("text", { x: left - 6, y: y(share * top) + 4, "text-anchor": "end" }, percent(share * top)));
  }
  for (const p of points.filter((_, i) => i % 2 === 0 || i === points.length - 1)) {
    made.append(drawSvg("text", { x: x(p.days), y: height - 6, "text-anchor": p.days === days ? "end" : "middle" }, number(p.days)));
  }
  made.append(drawSvg("line", { x1: x(days), x2: x(days), y1: y(probability.low), y2: y(probability.high), stroke: "#0b7261", "stroke-width": 3, opacity: 0.5 }));
  made.append(drawSvg("polyline", { points: points.map((p) => `${x(p.days)},${y(p.value)}`).join(" "), fill: "none", stroke: "#0b7261", "stroke-width": 2.5 }));
  for (const p of probability.curve) made.append(drawSvg("circle", { cx: x(p.days), cy: y(p.value), r: 3.5, fill: "#0b7261" }));
  return made;
}
function drawResult(result) {
  const names = Object.keys(result.probabilities), final = names.at(-1);
  const chances = names.map((name) => {
    const p = result.probabilities[name];
    const until = p.horizon_days ? ` ${say("until", { days: number(p.horizon_days) })}` : "";
    const usually = p.expected_days ? `; ${say("usually", { days: number(p.expected_days) })}` : "";
    return element("p", {}, element("strong", {}, `${name}: ${percent(p.value)}`),
      `${until} (${say("intervals", { low: percent(p.low), high: percent(p.high) })})${usually}`);
  });
  const effects = result.reasons.map((r) => ({ label: r.text, value: r.chance_effect, shown: (r.chance_effect > 0 ? "+" : "") + number(100 * r.chance_effect, Math.abs(r.chance_effect) < 0.00095 ? 2 : 1) }));
  const lines = result.rules.lines.map((l) => ({ label: l.label, value: l.points, shown: number(l.points) }));
  const advice = result.recommendation;
  const worth = result.expected_value === null ? null : element("p", {}, say("worth", { value: money(result.expected_value), low: money(result.expected_value_low), high: money(result.expected_value_high) })
    + (advice.expected_profit === null ? "" : `; ${say("profit", { value: money(advice.expected_profit) })}`) + ".");
  const steps = result.next_steps.length ? element("ul", {}, ...result.next_steps.map((s) => element("li", {}, s.why))) : element("p", { class: "soft" }, say("no_next"));
  return [
    card(result.lead_id, element("div", { class: "beside" },
      element("div", { class: "by-model" }, element("strong", { id: "by-model" }, String(result.score)), `${say("model_says")}, ${result.grade}`),
      element("div", { class: "by-rules" }, element("strong", { id: "by-rules" }, number(result.rules.points)), `${say("rules_say")}${[result.rules.grade, result.rules.lead_stage].filter(Boolean).map((w) => `, ${w}`).join("")}`))),
    card(say("recommended"), element("p", { class: `action ${advice.action}`, id: "advice" }, `${say(advice.action)} ${say("as", { stage: advice.lead_stage })}`), element("p", {}, advice.why), worth),
    card(say("probabilities"), ...chances),
    ...(result.probabilities[final].curve.length ? [card(say("curve", { stage: final }), curve(final, result.probabilities[final]))] : []),
    card(say("reasons"), element("p", { class: "soft" }, say("effect")), ...bars(effects, Math.max(...effects.map((e) => Math.abs(e.value)), 0))),
    card(say("lines"), ...(lines.length ? bars(lines, Math.max(...lines.map((l) => Math.abs(l.value)))) : [element("p", { class: "soft" }, say("no_lines"))])),
    card(say("next"), steps),
    ...(result.warnings.length ? [card(say("warnings"), element("ul", { class: "warnings" }, ...result.warnings.map((w) => element("li", {}, w))))] : []),
  ];
}
function drawWhatIf(found) {
  const acts = found.changes.filter((c) => c.kind !== "silence"), silence = found.changes.filter((c) => c.kind === "silence");
  const rows = (changes) => changes.map((c) => element("tr", {}, element("th", { scope: "row" }, c.label + (c.direction === "out" ? ` (${say("by_us")})` : "")),
    element("td", { class: "number" }, percent(c.chance)), element("td", { class: "number" }, `${c.chance_change >= 0 ? "+" : "−"}${number(Math.abs(100 * c.chance_change), 1)}`),
    element("td", { class: "number" }, String(c.score)), element("td", { class: "number" }, number(c.points)), element("td", { class: `action ${c.action}` }, say(c.action))));
  const head = (first) => element("thead", {}, element("tr", {}, ...[first, say("then"), "±", say("score_then"), say("points"), say("action")]
    .map((name, i) => element("th", { scope: "col", class: i > 0 && i < 5 ? "number" : "" }, name))));
  const choice = element("select", { id: "own" }, ...acts.filter((c) => c.kind === "interaction").map((c) => element("option", { value: c.interactions[0] }, c.label)));
  const add = element("button", { type: "button", id: "add", onclick: () => { state.added.push(choice.value); safely(drawLead); } }, say("add"));
  const made = card(say("what_if"), element("p", { class: "soft" }, say("what_if_note")),
    ...found.warnings.map((w) => element("p", { class: "warnings" }, w)),
    element("form", {}, element("label", {}, say("try_own"), choice), add),
    element("div", { class: "wide" }, element("table", { id: "what-if" }, head(say("act")), element("tbody", {}, ...rows(acts)))),
    element("div", { class: "wide" }, element("table", {}, head(say("wait")), element("tbody", {}, ...rows(silence)))));
  made.classList.add("whole");
  return made;
}
async function drawLead() {
  const body = { ...JSON.parse($("body").value), language: state.language };
  $("answer").replaceChildren(element("p", { class: "soft" }, say("scoring")));
  try {
    const [scored, changed] = await Promise.all([
      ask("v1/score", JSON.stringify({ ...body, reasons: 10 })), ask("v1/what-if", JSON.stringify({ ...body, add: state.added }))]);
    $("answer").replaceChildren(element("div", { class: "cards" }, ...drawResult(scored.results[0]), drawWhatIf(changed)));
  } catch (error) { $("answer").replaceChildren(); throw error; }
}
async function pick(id) {
  const body = await ask(`v1/leads/${encodeURIComponent(id)}`);
  $("body").value = JSON.stringify(body, null, 1);
  $("paste").open = false;
  state.added = [];
  await drawLead();
}

// ---- the page ----
const VIEWS = ["list", "lead", "report"];
function show() {
  const [asked, id] = location.hash.slice(1).split("=");
  const view = VIEWS.includes(asked) ? asked : "list";
  for (const name of VIEWS) $(`${name}-view`).hidden = name !== view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#${view}`) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  safely(async () => {
    if (view === "list") await drawList();
    if (view === "lead" && id) await pick(decodeURIComponent(id));
    if (view === "lead" && !id && !$("body").value) {
      const described = await ask("openapi.json");
      $("body").value = JSON.stringify(described.paths["/v1/score"].post.requestBody.content["application/json"].example, null, 1);
      $("paste").open = true;
    }
    if (view === "report" && !$("report-frame").src) {
      const answer = await fetch("report", { method: "HEAD" });
      if (!answer.ok) throw new Error((await (await fetch("report")).json()).detail);
      $("report-frame").src = "report";
    }
  });
}
function options(name, values, words = (value) => value) {
  const select = $("filters").elements[name], chosen = select.value;
  select.replaceChildren(element("option", { value: "" }, say("all")), ...values.map((value) => element("option", { value }, words(value))));
  select.value = chosen;
}
function speak() {
  document.documentElement.lang = state.language;
  for (const part of document.querySelectorAll("[data-t]")) part.textContent = say(part.dataset.t);
  $("report-frame").title = say("report_title");
  options("action", ACTIONS, say);
  options("lead_stage", state.model.funnel.stages.slice(0, -1));
  options("grade", GRADES);
  const day = state.model.trained_at.slice(0, 10);
  $("model").textContent = say("served", { name: state.model.name, version: state.model.version, day });
}
async function begin() {
  state.language = (localStorage.getItem("language") || navigator.language || "en").startsWith("de") ? "de" : "en";
  $("language").value = state.language;
  state.model = await ask("v1/model");
  speak();
  show();
  addEventListener("hashchange", () => { show(); $("main").focus(); });
  $("language").addEventListener("change", () => {
    state.language = $("language").value;
    localStorage.setItem("language", state.language);
    speak();
    show();
    if (location.hash === "#lead" && $("answer").children.length) safely(drawLead);
  });
  let waiting;
  const again = () => { state.offset = 0; clearTimeout(waiting); waiting = setTimeout(() => safely(drawList), 150); };
  $("filters").addEventListener("input", again);
  $("filters").addEventListener("submit", (event) => { event.preventDefault(); again(); });
  $("before").addEventListener("click", () => { state.offset -= PAGE; safely(drawList); });
  $("after").addEventListener("click", () => { state.offset += PAGE; safely(drawList); });
  $("score").addEventListener("click", () => { state.added = []; safely(drawLead); });
}
safely(begin);
})();
