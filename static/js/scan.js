// The page works without this. A phone's camera fills in the code or tag, by the browser's own reader where it has
// one, else by ours, which is fetched at the first press of the button.
(function () {
  "use strict";
  var form = document.querySelector("form[data-scan]"), stream, read, ready;
  if (!form || !navigator.mediaDevices) return;
  var button = form.querySelector("[data-camera]"), film = form.querySelector("video");
  var KINDS = ["qr_code", "code_128", "code_39", "data_matrix"], SIDE = 720;
  function own() {
    if (!window.BarcodeDetector) return Promise.resolve(null);
    return BarcodeDetector.getSupportedFormats().then(function (known) {
      var kinds = KINDS.filter(function (kind) { return known.indexOf(kind) >= 0; });
      if (kinds.indexOf("qr_code") < 0) return null;
      var reader = new BarcodeDetector({ formats: kinds });
      return function () { return reader.detect(film).then(function (found) { return found.length ? found[0].rawValue : ""; }); };
    }).catch(function () { return null; });
  }
  function ours() {
    return new Promise(function (done, failed) {
      var script = document.createElement("script"), canvas = document.createElement("canvas");
      script.src = form.dataset.reader;
      script.onerror = failed;
      script.onload = function () {
        done(function () {
          var scale = Math.min(1, SIDE / Math.max(film.videoWidth, film.videoHeight, 1)), pen;
          canvas.width = Math.max(1, Math.round(film.videoWidth * scale));
          canvas.height = Math.max(1, Math.round(film.videoHeight * scale));
          pen = canvas.getContext("2d", { willReadFrequently: true });
          pen.drawImage(film, 0, 0, canvas.width, canvas.height);
          return Promise.resolve(window.readSquare(pen.getImageData(0, 0, canvas.width, canvas.height)));
        });
      };
      document.head.appendChild(script);
    });
  }
  function stop() {
    if (stream) stream.getTracks().forEach(function (track) { track.stop(); });
    stream = null;
    film.hidden = true;
  }
  function look() {
    if (!stream) return;
    read().then(function (found) {
      if (!found) return setTimeout(look, 150);
      form.elements[form.dataset.scan].value = found;
      form.elements.how.value = "scan";
      stop();
      form.submit();
    }, function () { setTimeout(look, 500); });
  }
  button.hidden = false;
  button.addEventListener("click", function () {
    if (stream) return stop();
    ready = ready || own().then(function (reader) { return reader || ours(); }).then(function (reader) { read = reader; });
    Promise.all([navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }), ready]).then(function (given) {
      stream = given[0];
      film.srcObject = stream;
      film.hidden = false;
      return film.play();
    }).then(look).catch(function () { ready = null; stop(); });
  });
}());
