// What the review page adds to every page. Without any of it the page works by links and forms.
import "./hop.js";
import "./evidence.js";
import "./remark.js";
import "./sheet.js";
import "./autosave.js";
import "./submit.js";
import "./reading.js";
