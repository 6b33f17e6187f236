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
