import { describe, expect, it } from "vitest";
import { isLoopbackAddress, refuseHost, refuseOrigin } from "../../../workers/web/access.ts";

describe("on loopback", () => {
  const options = { isLoopback: true, host: "127.0.0.1" };

  it.each(["localhost:3000", "localhost", "LOCALHOST:3000", "127.0.0.1:3000", "[::1]:3000", "[::1]"])("the host %s is believed", (host) => {
    expect(refuseHost(host, options)).toBeUndefined();
  });

  it.each(["evil.example:3000", "localhost.evil.example", "127.0.0.1.evil.example", "user@localhost", "localhost:3000:80", "", undefined])(
    "the host %s is not: it may be a foreign name for this machine",
    (host) => {
      expect(refuseHost(host, options)).toContain("loopback only");
    },
  );

  it("the configured name is believed too", () => {
    expect(refuseHost("Fleet.local:3000", { isLoopback: true, host: "fleet.local" })).toBeUndefined();
  });
});

it("elsewhere any host is taken: the names of a container or a proxy can't be known", () => {
  expect(refuseHost("web:3000", { isLoopback: false, host: "0.0.0.0" })).toBeUndefined();
});

describe("a change", () => {
  const host = "localhost:3000";

  it.each([
    ["of this server's own page", { origin: "http://localhost:3000", site: "same-origin" }],
    ["of its own page in a browser without Sec-Fetch-Site", { origin: "http://localhost:3000", site: undefined }],
    ["of its own page behind a proxy that changes Host", { origin: "https://fleet.example", site: "same-origin" }],
    ["of a program that is no browser", { origin: undefined, site: undefined }],
  ])("%s is taken", (_name, { origin, site }) => {
    expect(refuseOrigin("PUT", { host, origin, site })).toBeUndefined();
  });

  it.each([
    ["of a foreign page", { origin: "https://evil.example", site: "cross-site" }],
    ["of a page of another port", { origin: "http://localhost:8080", site: "same-site" }],
    ["of a foreign page in a browser without Sec-Fetch-Site", { origin: "https://evil.example", site: undefined }],
    ["of a page without an origin", { origin: "null", site: undefined }],
  ])("%s is refused", (_name, { origin, site }) => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE"])
      expect(refuseOrigin(method, { host, origin, site })).toContain("own pages only");
  });
});

it("reading is not a change", () => {
  expect(refuseOrigin("GET", { host: "localhost:3000", origin: "https://evil.example", site: "cross-site" })).toBeUndefined();
});

it.each([
  ["127.0.0.1", true],
  ["127.8.8.8", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["0.0.0.0", false],
  ["::", false],
  ["10.127.0.1", false],
])("%s is loopback: %s", (address, expected) => {
  expect(isLoopbackAddress(address)).toBe(expected);
});
