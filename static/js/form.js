// What a page with one long form adds to every page.
import "./submit.js";
import "./reading.js";
