// Goes to the next or previous change or finding: [data-hop="change"] [data-hop="finding"], back with data-back.
// Without this each is a link to the first one.
import { say } from "./said.js";

const FOUND = { change: "[data-change]", finding: "#draft .finding" };
const at = { change: -1, finding: -1 };

document.addEventListener("click", (event) => {
  const hop = event.target.closest("[data-hop]");
  if (!hop) return;
  event.preventDefault();
  const kind = hop.dataset.hop;
  const all = [...document.querySelectorAll(FOUND[kind])];
  if (!all.length) return;
  const step = "back" in hop.dataset ? -1 : 1;
  at[kind] = (at[kind] + step + all.length) % all.length;
  if (step < 0 && at[kind] < 0) at[kind] = all.length - 1;
  show(kind, all);
});

function show(kind, all) {
  const one = all[at[kind]];
  for (const other of document.querySelectorAll("[data-hopped]")) delete other.dataset.hopped;
  one.dataset.hopped = "";
  one.scrollIntoView({ block: "center" });
  const words = `${at[kind] + 1} of ${all.length}`;
  if (kind === "finding") one.focus({ preventScroll: true });
  const count = document.querySelector("[data-hop-count]");
  if (kind === "change" && count) count.textContent = words;
  say(`${kind === "change" ? "Change" : "Finding"} ${words}: ${one.textContent.trim().slice(0, 160)}`);
}

// A pin leads to its remark: focus goes along, so that a reader hears it.
document.addEventListener("click", (event) => {
  const pin = event.target.closest("[data-pin]");
  if (!pin) return;
  document.querySelector(pin.getAttribute("href"))?.focus();
});
