// Pages of the staff work without this; sign-in with a passkey and the notice before a session ends need it.
(function () {
  "use strict";
}());
