// Ctrl+Enter presses a form's [data-submit] button from any of its fields.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  const form = event.target.closest("form") ?? document.querySelector("form.sheet:not([hidden])");
  const button = form?.querySelector("[data-submit]:not(:disabled)");
  if (!button) return;
  event.preventDefault();
  button.click();
});
