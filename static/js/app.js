// Nothing here is needed for anything; it only makes a few things kinder. Kept under 4 KB in all.
(function () {
  "use strict";
  // A page kept by the browser's Back button is asked for afresh, so a cleared visit stays cleared.
  addEventListener("pageshow", function (e) { if (e.persisted) location.reload(); });
  // A form that came back with errors: go to the summary.
  var summary = document.querySelector(".error-summary");
  if (summary) summary.focus();
  // Esc three times within two seconds leaves.
  var leave = document.querySelector(".leave"), times = [];
  addEventListener("keydown", function (e) {
    if (e.key !== "Escape" || !leave) return;
    var now = Date.now();
    times = times.filter(function (t) { return now - t < 2000; }).concat(now);
    if (times.length >= 3) { document.body.hidden = true; location.replace(leave.href); }
  });
  if (leave) leave.addEventListener("click", function (e) {
    e.preventDefault(); document.body.hidden = true; location.replace(leave.href);
  });
  // A button pressed again while its answer is on the way is pressed once.
  addEventListener("submit", function (e) {
    var form = e.target, now = Date.now();
    if (now - (form.sentAt || 0) < 4000) e.preventDefault(); else form.sentAt = now;
  });
  // Reading aloud is offered where the device can speak, and its script fetched when it is asked for.
  var row = document.querySelector("[data-read]"), read = row && row.firstChild;
  function fetchReader() {
    var script = document.createElement("script");
    read.onclick = null;
    script.onerror = function () { read.onclick = fetchReader; };
    script.src = row.dataset.read;
    document.head.append(script);
  }
  if (row && window.speechSynthesis) { row.hidden = false; read.onclick = fetchReader; }
  // Print buttons exist only where printing can be asked for.
  document.querySelectorAll("[data-print]").forEach(function (b) {
    b.hidden = false; b.addEventListener("click", function () { print(); });
  });
})();
