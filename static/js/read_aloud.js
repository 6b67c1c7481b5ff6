// Reads the page aloud with the device's own voice. Fetched by app.js when the button was pressed, so it begins at once.
(function () {
  "use strict";
  var speech = speechSynthesis, row = document.querySelector("[data-read]");
  var button = row.firstChild, none = row.querySelector("[aria-live] span"), words = button.children;
  var own = document.documentElement.lang, waits = false, turn = 0;
  function voice(lang) {
    return speech.getVoices().filter(function (v) { return v.lang.slice(0, 2).toLowerCase() === lang.slice(0, 2); })[0];
  }
  function show(reads) { words[0].hidden = reads; words[1].hidden = !reads; }
  function stop() { turn++; waits = false; speech.cancel(); show(false); }
  // One piece for each stretch of one language in one block, in the order of the page; what nobody sees is left out.
  function pieces() {
    var found = [], node, last, walk = document.createTreeWalker(document.getElementById("main"), 4);
    while ((node = walk.nextNode())) {
      var at = node.parentElement, text = node.data.replace(/\s+/g, " ");
      if (text === " " || !at.getClientRects().length || at.closest("svg,noscript,[aria-hidden=true],.visually-hidden,details:not([open])>:not(summary)")) continue;
      var lang = at.closest(".in-english") ? "en" : own, block = at.closest("p,li,dt,dd,th,td,h1,h2,h3,label,legend,button,summary,caption");
      if (last && last.lang === lang && last.block === block) last.text += text;
      else found.push(last = { lang: lang, block: block, text: text });
    }
    return found.filter(function (p) { return voice(p.lang); });
  }
  function start() {
    waits = false;
    none.hidden = true;
    if (!voice(own)) { none.hidden = false; return; }
    var list = pieces(), mine = ++turn;
    show(true);
    (function next() {
      if (mine !== turn) return;
      var piece = list.shift();
      if (!piece) return stop();
      var said = new SpeechSynthesisUtterance(piece.text);
      said.voice = voice(piece.lang);
      said.lang = said.voice.lang;
      said.onend = said.onerror = next;
      speech.speak(said);
    })();
  }
  // Voices may come late: then it is asked once more before it is said that there is none.
  speech.onvoiceschanged = function () {
    if (waits) start(); else if (voice(own)) none.hidden = true;
  };
  function pressed() {
    if (!words[1].hidden) return stop();
    if (voice(own) || speech.getVoices().length) return start();
    waits = true;
    setTimeout(function () { if (waits) start(); }, 1000);
  }
  addEventListener("pagehide", stop);
  button.onclick = pressed;
  pressed();
})();
