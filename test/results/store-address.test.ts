import { expect, it } from "vitest";
import { maskPostgresUrl, problemOfPostgresUrl } from "../../src/results/store-address.ts";

it.each([
  ["postgres://fleet:hunter2@db.example:5432/modelfleet", "postgres://fleet:***@db.example:5432/modelfleet"],
  ["postgresql://fleet@db/modelfleet?sslmode=verify-full&password=hunter2", "postgresql://fleet@db/modelfleet"],
  ["postgres:///modelfleet?host=/var/run/postgresql", "postgres:///modelfleet"],
  ["postgres://fleet:hunter%2F2@[::1]/modelfleet", "postgres://fleet:***@[::1]/modelfleet"],
])("%s is shown as %s", (url, shown) => {
  expect(problemOfPostgresUrl(url)).toBeUndefined();
  expect(maskPostgresUrl(url)).toBe(shown);
});

it.each([
  "postgres://fleet:hun/ter2@db/x",
  "postgres://fleet:1#hunter2@db/x",
  "postgres://fleet:1?hunter2@db/x",
  "postgres://fleet:1/hunter2@db/x",
])("a password that breaks its address is noticed and not shown: %s", (url) => {
  expect(problemOfPostgresUrl(url)).toMatch(/percent-encoded/);
  expect(maskPostgresUrl(url)).toBe("postgres://…");
});

it("another kind of address is refused", () => {
  expect(problemOfPostgresUrl("mysql://u@h/d")).toMatch(/^must be an address such as postgres:/);
});
