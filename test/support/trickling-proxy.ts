// A proxy that passes answers on so slowly that the whole never comes.

import { startForwardingProxy, type ForwardingProxy } from "./forwarding-proxy.ts";

const BYTE_EVERY_MS = 50;
/** Of each answer, so that no test's patience outlasts it. */
const LONGEST_MS = 10 * 60_000;

/** Status and headers go out at once, then a byte at a time: a space before the answer, which JSON allows. */
export function startTricklingProxy(): Promise<ForwardingProxy> {
  return startForwardingProxy({
    answer(response, { status, body }) {
      const spaces = LONGEST_MS / BYTE_EVERY_MS;
      response.writeHead(status, { "content-type": "application/json", "content-length": body.length + spaces });
      const timer = setInterval(() => response.write(" "), BYTE_EVERY_MS);
      response.once("close", () => clearInterval(timer));
    },
  });
}
