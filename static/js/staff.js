// Pages of the staff work without this; a passkey and the notice before a sign-in ends need it.
(function () {
  "use strict";
  function bytes(text) {
    var raw = atob(text.replace(/-/g, "+").replace(/_/g, "/")), out = new Uint8Array(raw.length);
    for (var i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out;
  }
  function text(buffer) {
    return btoa(String.fromCharCode.apply(null, new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }
  function ask(form) {
    var body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value, purpose: form.dataset.key });
    return fetch(form.dataset.challenge, { method: "POST", body: body, credentials: "same-origin" }).then(function (answer) {
      if (!answer.ok || answer.redirected) throw new Error("refused");
      return answer.json();
    }).then(function (wanted) {
      wanted.challenge = bytes(wanted.challenge);
      if (wanted.user) wanted.user.id = bytes(wanted.user.id);
      (wanted.excludeCredentials || []).concat(wanted.allowCredentials || []).forEach(function (one) { one.id = bytes(one.id); });
      return navigator.credentials[form.dataset.key === "add" ? "create" : "get"]({ publicKey: wanted });
    });
  }
  // What a key answered goes into a hidden field as JSON, in the form of the W3C's own toJSON().
  function told(key) {
    var answer = key.response, out = { id: key.id, rawId: text(key.rawId), type: key.type, response: { clientDataJSON: text(answer.clientDataJSON) } };
    ["attestationObject", "authenticatorData", "signature", "userHandle"].forEach(function (name) {
      if (answer[name]) out.response[name] = text(answer[name]);
    });
    return JSON.stringify(out);
  }
  document.querySelectorAll("form[data-key]").forEach(function (form) {
    if (!window.PublicKeyCredential || !navigator.credentials) return;
    var failed = form.querySelector("[data-key-failed]"), button = form.querySelector("[data-press]"), busy = false;
    form.querySelector("[data-needs-script]").hidden = true;
    button.hidden = false;
    form.addEventListener("submit", function (e) {
      e.preventDefault();
      if (busy) return;
      busy = true;
      failed.hidden = true;
      form.setAttribute("aria-busy", "true");
      ask(form).then(function (key) {
        form.elements.answer.value = told(key);
        form.submit();
      }).catch(function () {
        busy = false;
        form.removeAttribute("aria-busy");
        form.sentAt = 0;
        failed.setAttribute("role", "alert");
        failed.hidden = false;
      });
    });
  });
  // The notice five minutes before a sign-in ends. Another tab may have used it meanwhile: staying is never wrong.
  var notice = document.querySelector("form[data-ends]"), timer;
  if (!notice) return;
  var words = notice.querySelectorAll("p"), stay = notice.querySelector("button");
  function watch(ends) {
    clearTimeout(timer);
    var left = Date.parse(ends) - Date.now(), warned = notice.dataset.warned * 1000;
    notice.hidden = left > warned;
    if (left > warned) { timer = setTimeout(function () { watch(ends); }, Math.min(left - warned + 500, 6e4)); return; }
    words[0].textContent = words[left > 0 ? 1 : 2].textContent;
    stay.hidden = left <= 0;
    if (left > 0) timer = setTimeout(function () { watch(ends); }, Math.min(left + 500, 3e4));
  }
  notice.addEventListener("submit", function (e) {
    e.preventDefault();
    var body = new URLSearchParams({ csrf_token: notice.elements.csrf_token.value });
    fetch(notice.action, { method: "POST", body: body, credentials: "same-origin" }).then(function (answer) {
      if (!answer.ok || answer.redirected) throw new Error("ended");
      return answer.json();
    }).then(function (found) { notice.dataset.ends = found.until; watch(found.until); }).catch(function () { watch(new Date(0).toISOString()); });
  });
  watch(notice.dataset.ends);
}());
