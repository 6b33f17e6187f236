// What a person hears when an answer does not come or cannot be shown. The form keeps what was typed.
import { toast } from "./toast.js";

document.addEventListener("htmx:responseError", (event) => {
  const answer = event.detail.xhr;
  const again = answer.getResponseHeader("Retry-After");
  const said = answer.getResponseHeader("Content-Type")?.startsWith("text/plain") && answer.responseText;
  if (said && answer.status < 500) toast(said, true);
  else if (answer.status === 429) toast(`Busy. Try again${again ? ` in ${again} s` : " in a moment"}.`, true);
  else if (answer.status === 403) toast("You may not do that. Nothing was changed.", true);
  else if (answer.status === 404) toast("It is no longer there. Load the page anew.", true);
  else if (answer.status === 503 && answer.responseText && /^text\/plain/.test(answer.getResponseHeader("Content-Type")))
    toast(answer.responseText, true);
  else toast("Something went wrong on the server. Nothing you typed is lost; try again.", true);
});

document.addEventListener("htmx:sendError", (event) => {
  if (event.detail.requestConfig?.verb === "get") return; // the connection banner says it
  toast("The server was not reached. Nothing you typed is lost; try again.", true);
});
