// One function for scan.js: the text of the QR in a picture of the camera, or nothing.
import decodeQR from "qr/decode.js";

globalThis.readSquare = function (picture) {
  try {
    return decodeQR(picture);
  } catch (error) {
    return "";
  }
};
