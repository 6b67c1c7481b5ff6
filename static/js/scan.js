// The register works without this. Where a phone can read QR codes by itself, its camera fills in the code.
(function () {
  "use strict";
  var form = document.querySelector("form[data-scan]"), stream;
  if (!form || !window.BarcodeDetector || !navigator.mediaDevices) return;
  var button = form.querySelector("[data-camera]"), film = form.querySelector("video");
  var reader = new BarcodeDetector({ formats: ["qr_code"] });
  function stop() {
    if (stream) stream.getTracks().forEach(function (track) { track.stop(); });
    stream = null;
    film.hidden = true;
  }
  function look() {
    if (!stream) return;
    reader.detect(film).then(function (found) {
      if (!found.length) return setTimeout(look, 200);
      form.elements.code.value = found[0].rawValue;
      form.elements.how.value = "scan";
      stop();
      form.submit();
    }, function () { setTimeout(look, 500); });
  }
  button.hidden = false;
  button.addEventListener("click", function () {
    if (stream) return stop();
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }).then(function (given) {
      stream = given;
      film.srcObject = given;
      film.hidden = false;
      return film.play();
    }).then(look).catch(stop);
  });
}());
