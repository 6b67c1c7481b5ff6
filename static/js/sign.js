// The hand-over works without this: on paper, or by a spoken yes. With it somebody can sign on the screen. What is kept is
// the lines alone, as the path of a drawing: no speed, no pressure.
(function () {
  "use strict";
  var form = document.querySelector("form[data-sign]");
  if (!form || !window.PointerEvent) return;
  var part = form.querySelector("[data-sign-pad]"), pad = part.querySelector("canvas"), pen = pad.getContext("2d");
  var out = form.elements.signature, path = "", last = null, MOST = 11900;
  function at(e) {
    var box = pad.getBoundingClientRect();
    var x = (e.clientX - box.left) * pad.width / box.width, y = (e.clientY - box.top) * pad.height / box.height;
    return [Math.max(0, Math.min(pad.width, Math.round(x))), Math.max(0, Math.min(pad.height, Math.round(y)))];
  }
  function show() {
    var chosen = form.querySelector("[name=agreed_how]:checked");
    part.hidden = !chosen || chosen.value !== "drawn";
  }
  function clear() {
    path = out.value = "";
    pen.clearRect(0, 0, pad.width, pad.height);
  }
  pen.lineWidth = 3;
  pen.lineCap = pen.lineJoin = "round";
  // The page came back because something else was missing: what was signed stands there still.
  if (out.value && window.Path2D) {
    path = out.value;
    pen.stroke(new Path2D(path));
  }
  pad.addEventListener("pointerdown", function (e) {
    e.preventDefault();
    pad.setPointerCapture(e.pointerId);
    last = at(e);
    if (path.length < MOST) path += "M" + last[0] + " " + last[1];
  });
  pad.addEventListener("pointermove", function (e) {
    if (!last) return;
    var next = at(e);
    if (Math.abs(next[0] - last[0]) + Math.abs(next[1] - last[1]) < 3 || path.length >= MOST) return;
    pen.beginPath();
    pen.moveTo(last[0], last[1]);
    pen.lineTo(next[0], next[1]);
    pen.stroke();
    path += "L" + next[0] + " " + next[1];
    last = next;
    out.value = path;
  });
  ["pointerup", "pointercancel"].forEach(function (name) {
    pad.addEventListener(name, function () { last = null; });
  });
  part.querySelector("[data-sign-clear]").addEventListener("click", clear);
  form.addEventListener("change", show);
  show();
}());
