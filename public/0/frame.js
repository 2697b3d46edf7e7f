// The frame with which a client sends a text, in parts: [{bytes, says}, ...]. The key is four bytes.
function clientFrame(text, key) {
  const payload = new TextEncoder().encode(text);
  const size = payload.length;
  const parts = [{bytes: [0x80 | 1], says: 'the last (and only) frame of a message, and the message is text'}];
  const masked = 0x80;
  if (size < 126) {
    parts.push({bytes: [masked | size], says: `masked, and the payload has ${size} bytes`});
  } else {
    const lengthBytes = size < 65536 ? 2 : 8;
    parts.push({bytes: [masked | (lengthBytes === 2 ? 126 : 127)], says: `masked, and the next ${lengthBytes} bytes are the length`});
    const length = Array.from({length: lengthBytes}, (_, i) => Math.floor(size / 256 ** (lengthBytes - 1 - i)) % 256);
    parts.push({bytes: length, says: `the payload has ${size} bytes`});
  }
  parts.push({bytes: [...key], says: 'the masking key'});
  parts.push({bytes: [...payload].map((byte, i) => byte ^ key[i % 4]), says: 'the payload, each byte XORed with one of the key'});
  return parts;
}
