// Talks to the server. An answer is sent again until the server has said what became of it; it carries its question's
// number, so the server never counts it twice.

const PATIENCE = 10_000; // milliseconds until a request that nobody answers counts as lost
const RETRY = 1_000;

export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

async function request(path, options = {}) {
  const response = await fetch(path, { ...options, signal: AbortSignal.timeout(PATIENCE) });
  const data = await response.json();
  if (!response.ok) throw new Refused(response.status, data.error ?? response.statusText);
  return data;
}

export function read(path) {
  return request(path);
}

export function post(path, body) {
  return request(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

// Posts until the server takes it or refuses it for good. `onTrouble(text)` is told of each attempt that failed.
export async function send(path, body, onTrouble) {
  for (;;) {
    try {
      return await post(path, body);
    } catch (error) {
      if (error instanceof Refused && error.status < 500) throw error;
      onTrouble(`${describe(error)} Your answer is not saved yet: this page keeps it, and goes on trying.`);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY));
  }
}

// What to tell the person about a request that failed.
export function describe(error) {
  if (error instanceof Refused) return error.message;
  return "Connection lost, trying again. If the program was stopped, start it again and open its new address.";
}
