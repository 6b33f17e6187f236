// Selects a row of the queue and shows its draft beside it, by click or with j and k; Enter opens. Where
// there is no room for the draft, and without this, a row's link opens its review.
const wide = matchMedia("(min-width: 80rem)");

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-select]");
  const selected = link?.closest("[data-row]").hasAttribute("data-selected");
  if (!link || selected || !wide.matches || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  select(link);
});

document.addEventListener("keydown", (event) => {
  const keys = document.body.dataset.keys === "on" && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (!keys || !["j", "k"].includes(event.key) || event.target.closest("input, textarea, select, dialog")) return;
  const rows = [...document.querySelectorAll("[data-row]")];
  const here = rows.findIndex((row) => row.contains(document.activeElement) || (wide.matches && row.hasAttribute("data-selected")));
  const row = rows[here + (event.key === "j" ? 1 : -1)] ?? rows[here < 0 ? 0 : here];
  const link = row?.querySelector("[data-select]");
  if (!link) return;
  event.preventDefault();
  if (wide.matches) select(link);
  else link.focus();
});

async function select(link) {
  const row = link.closest("[data-row]").id;
  const scrolled = document.querySelector(".queue__list").scrollTop;
  await htmx.ajax("GET", link.dataset.select, { target: "#queue", select: "#queue", swap: "outerHTML show:none" });
  history.replaceState(null, "", link.dataset.select);
  document.querySelector(".queue__list").scrollTop = scrolled;
  document.querySelector(`#${row} [data-select]`)?.focus({ preventScroll: true });
  document.getElementById(row)?.scrollIntoView({ block: "nearest" });
}
