// Choosing cards with keys: the chosen card is the one whose link has focus, so there is no second state.
// The key line holds the verbs of the chosen card as links; keys.js presses them.
import "./ask.js";

// j and k are buttons of the key line: keys.js presses those.
const ACROSS = { h: -1, ArrowLeft: -1, l: 1, ArrowRight: 1 };
const ALONG = { ArrowDown: 1, ArrowUp: -1 };
let last = "";

const links = (place = document) => [...place.querySelectorAll("[data-card]")].filter((one) => one.checkVisibility());
const columns = () => [...document.querySelectorAll(".side, .lane, .board__list")].map((one) => links(one)).filter((one) => one.length);
const chosen = () => document.activeElement?.closest?.("[data-card]") ?? document.getElementById(`open-${last}`);

function choose(link) {
  link?.focus({ focusVisible: true });
  link?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function along(step) {
  const now = chosen();
  const column = columns().find((one) => one.includes(now));
  choose(column ? column[column.indexOf(now) + step] : document.querySelector(".lane [data-card]") ?? links()[0]);
}

function across(step) {
  const now = chosen();
  const all = columns();
  const here = all.findIndex((one) => one.includes(now));
  const next = all[here + step];
  if (here < 0 || !next) return here < 0 && along(0);
  const top = now.getBoundingClientRect().top;
  choose(next.reduce((best, one) => (Math.abs(one.getBoundingClientRect().top - top) < Math.abs(best.getBoundingClientRect().top - top) ? one : best)));
}

document.addEventListener("keydown", (event) => {
  const step = ACROSS[event.key] ?? ALONG[event.key];
  if (!step || document.body.dataset.keys !== "on" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, details[open], dialog[open]")) return;
  event.preventDefault();
  if (event.key in ACROSS) across(step);
  else along(step);
});

document.addEventListener("focusin", (event) => show(event.target.closest("[data-card]")));

function show(link) {
  const line = document.querySelector("[data-keyline]");
  if (!link || !line) return;
  last = link.dataset.card;
  line.querySelector("[data-keyline-selected] b").textContent = last;
  for (const one of line.querySelectorAll("[data-keyline-selected], [data-verb]")) one.hidden = false;
  const back = new URL(location.href);
  back.searchParams.set("sel", last);
  for (const one of line.querySelectorAll("a[data-verb]")) {
    const next = encodeURIComponent(back.pathname + back.search);
    one.href = one.dataset.verb ? `/tasks/${last}/${one.dataset.verb}/?next=${next}` : link.href;
  }
}

document.addEventListener("click", (event) => {
  const step = event.target.closest("[data-step]");
  if (step) along(Number(step.dataset.step));
  if (event.target.closest("[data-pick]")) document.querySelector(`[form="bulk"][value="${last}"]`)?.click();
});

document.addEventListener("change", (event) => {
  if (event.target.getAttribute("form") !== "bulk") return;
  const count = document.querySelectorAll('[form="bulk"]:checked').length;
  document.querySelector("[data-picked-count]").textContent = `${count} selected`;
});

show(document.activeElement?.closest("[data-card]"));
