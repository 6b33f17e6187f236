// Lets cards travel: when the head line brings another shape (who stands where) than the tray shows, the
// tray is fetched again, unless a person's hand is on a card just now. Focus and choices stay.
const REST_MS = 2500;
let movedAt = -REST_MS;
let timer = 0;
let held = null; // what a person had of the tray that is being replaced

const tray = () => document.getElementById("tray");
const busy = () => performance.now() - movedAt < REST_MS && tray()?.querySelector(".task-card:hover");

function compare() {
  clearTimeout(timer);
  const shape = document.getElementById("board-head")?.dataset.shape;
  if (!tray() || !shape || tray().dataset.shape === shape) return;
  if (busy()) timer = setTimeout(compare, REST_MS / 4);
  else htmx.trigger(tray(), "moved");
}

document.addEventListener("pointermove", () => { movedAt = performance.now(); }, { passive: true });

document.addEventListener("htmx:afterSettle", (event) => event.target.id === "board-head" && compare());

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.target.id !== "tray") return;
  const picked = [...document.querySelectorAll('[form="bulk"]:checked')].map((one) => one.value);
  const places = new Map(scrolls().map(([name, one]) => [name, { top: one.scrollTop, left: one.scrollLeft }]));
  held = { tray: tray(), focus: document.activeElement?.id ?? "", picked, places, page: window.scrollY };
});

// Any swap may end first; it is the other tray that says that ours did.
document.addEventListener("htmx:afterSwap", () => {
  if (!held || tray() === held.tray) return;
  const { focus, picked, places, page } = held;
  held = null;
  for (const value of picked) {
    const box = document.querySelector(`[form="bulk"][value="${value}"]`);
    if (box) box.checked = true;
  }
  for (const [name, one] of scrolls()) {
    one.scrollTop = places.get(name)?.top ?? 0;
    one.scrollLeft = places.get(name)?.left ?? 0;
  }
  window.scrollTo({ top: page, behavior: "instant" });
  const link = focus && document.getElementById(focus);
  if (link && document.activeElement !== link) link.focus({ preventScroll: true });
});

// Travelling cards are painted above everything, an open dialog too: then they change places at once.
document.addEventListener("htmx:beforeTransition", (event) => {
  if (document.querySelector("dialog[open], details[data-menu][open]")) event.preventDefault();
});

// What scrolls on the board, by a name that outlives it.
function scrolls() {
  const lanes = [...document.querySelectorAll("#tray [aria-labelledby]")];
  const found = lanes.map((lane) => [lane.getAttribute("aria-labelledby"), lane.querySelector(".lane__cards") ?? lane]);
  return [["tray", document.querySelector(".tray")], ...found].filter(([, one]) => one);
}
