// The one entry of every page: each import is one behaviour, by event delegation on data-* attributes.
// What a page needs beyond these it names in its `scripts` block.
import "./live.js";
import "./ticker.js";
import "./keys.js";
import "./dialog.js";
import "./menu.js";
import "./toast.js";
import "./busy.js";
import "./failure.js";

// The server is told that scripts run here: what a page will report need not be guessed.
const secure = location.protocol === "https:" ? "; Secure" : "";
document.cookie = `scripts=on; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
