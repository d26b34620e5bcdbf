(() => {
"use strict";
const facts = JSON.parse(document.getElementById("facts").textContent);
const sliderData = document.getElementById("slider");
const policy = sliderData ? JSON.parse(sliderData.textContent) : null;
const views = {};

function number(value, digits) {
  return value.toLocaleString(policy.locale, { maximumFractionDigits: digits, minimumFractionDigits: digits });
}
function money(value) { return number(value, 0) + " " + policy.currency; }

// what a way of ranking brings at so many contacts a week, between the two measured lines around it
function at(by, contacts) {
  const curve = policy.curve.filter((p) => p.by === by);
  let before = { contacts: 0, customers: 0, revenue: 0 };
  for (const point of curve) {
    if (point.contacts >= contacts) {
      const share = (contacts - before.contacts) / (point.contacts - before.contacts || 1);
      return {
        customers: before.customers + share * (point.customers - before.customers),
        revenue: before.revenue + share * (point.revenue - before.revenue),
      };
    }
    before = point;
  }
  return before;
}

function say() {
  const capacity = Number(document.getElementById("capacity").value);
  const costInput = document.getElementById("cost");
  const cost = costInput ? Number(costInput.value) : 0;
  const model = at("model", capacity), rules = at("rules", capacity);
  let text = policy.sentence.replace("{n}", number(capacity, 0)).replace("{stages}", policy.stages)
    .replace("{model}", number(model.customers, 1)).replace("{rules}", number(rules.customers, 1));
  if (policy.money) {
    text += policy.profit.replace("{cost}", money(cost)).replace("{pm}", money(model.revenue - cost * capacity))
      .replace("{pr}", money(rules.revenue - cost * capacity));
    const own = policy.curve.filter((p) => p.by === "model");
    const best = own.reduce((a, b) => (b.revenue - cost * b.contacts > a.revenue - cost * a.contacts ? b : a));
    if (best.contacts < own[own.length - 1].contacts) text += policy.best.replace("{best}", number(best.contacts, 0));
  }
  document.getElementById("policy-said").textContent = text + ".";
  document.getElementById("capacity-said").textContent = number(capacity, 0);
  if (costInput) document.getElementById("cost-said").textContent = money(cost);
  if (views.profit) views.profit.signal("capacity", capacity).signal("cost", cost).runAsync();
}

function draw(element) {
  const name = element.dataset.chart;
  const fallback = element.innerHTML;
  vegaEmbed(element, facts.specs[name], {
    actions: false, renderer: "svg", formatLocale: facts.locale
  }).then((made) => {
    element.classList.add("live");
    views[name] = made.view;
    if (name === "profit") say();
  }).catch((error) => { element.innerHTML = fallback; console.error(error); });
}

if (policy) {
  for (const id of ["capacity", "cost"]) {
    const input = document.getElementById(id);
    if (input) input.addEventListener("input", say);
  }
  say();
}

{
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) { watcher.unobserve(entry.target); draw(entry.target); }
    }
  }, { rootMargin: "200px" });
  document.querySelectorAll(".chart").forEach((element) => watcher.observe(element));
}
})();
