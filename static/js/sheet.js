// The return sheet: [data-sheet="return"] opens and closes #return-sheet in place (without this the link
// loads the page with the sheet open), a new line grows as the last one is used, and the right side shows
// the requests as a letter, with the words and the numbers that are handed over.
let opener = null;

const sheetOf = (link) => document.getElementById(`${link.dataset.sheet}-sheet`);

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-sheet]");
  const sheet = link && sheetOf(link);
  if (!sheet || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  toggle(sheet, link);
});

function toggle(sheet, link) {
  sheet.hidden = !sheet.hidden;
  const address = new URL(location);
  if (sheet.hidden) address.searchParams.delete("sheet");
  else address.searchParams.set("sheet", "return");
  history.replaceState(null, "", address);
  if (sheet.hidden) return (opener ?? document.querySelector(".verdict__return"))?.focus();
  opener = sheet.contains(link) ? opener : link;
  preview(sheet);
  sheet.querySelector("[data-blank] textarea")?.focus();
}

document.addEventListener("input", (event) => {
  const sheet = event.target.closest("#return-sheet");
  if (!sheet) return;
  grow(sheet);
  preview(sheet);
});

function grow(sheet) {
  const lines = sheet.querySelectorAll("[data-blank]");
  const last = lines[lines.length - 1];
  if (!last?.querySelector("textarea").value.trim()) return;
  const next = last.cloneNode(true);
  const id = `request-new-${lines.length}`;
  next.querySelector("textarea").value = "";
  next.querySelector("textarea").id = id;
  next.querySelector("label").htmlFor = id;
  last.after(next);
}

function preview(sheet) {
  const list = sheet.querySelector("[data-requests]");
  const lines = [...list.querySelectorAll("textarea")].filter((one) => one.value.trim());
  const { what, from, first } = list.dataset;
  const head = lines.length ? `${what} comes back with ${lines.length} request${lines.length > 1 ? "s" : ""} from ${from}.` : "Nothing yet: one request is enough.";
  const asked = lines.map((one, place) => {
    const quote = one.closest("li").querySelector("[data-quote]")?.dataset.quote;
    return `${Number(first) + place}. ${quote ? `About “${quote}”: ` : ""}${one.value.trim()}`;
  });
  const letter = [head, ...asked].map((text) => Object.assign(document.createElement("p"), { textContent: text }));
  sheet.querySelector("[data-preview]").replaceChildren(...letter);
  const agent = sheet.querySelector("[name=to]:checked")?.dataset.agent;
  if (agent) sheet.querySelectorAll("[data-agent-name]").forEach((one) => (one.textContent = agent));
}

document.addEventListener("keydown", (event) => {
  const sheet = document.querySelector("#return-sheet:not([hidden])");
  if (event.key === "Escape" && sheet && !document.querySelector("dialog[open]")) toggle(sheet, opener);
});
