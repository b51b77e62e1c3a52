// The control endpoint: faults, books and state of a running simulator, below `/_control/`.

import { UsageError } from "../job/errors.ts";
import type { FaultInput } from "./faults.ts";
import type { ControlRequest } from "./simulator-server.ts";
import type { Simulator } from "./simulator.ts";

type Controlled = Pick<Simulator, "ledger" | "state" | "setFault" | "clearFaults" | "reset">;

const ENDPOINTS = [
  "POST /_control/faults",
  "GET /_control/faults",
  "DELETE /_control/faults",
  "GET /_control/ledger",
  "GET /_control/state",
  "POST /_control/reset",
];

/** `ledger?calls=0` leaves the call log out; `DELETE faults` takes `vendor`, `model` and `fault` to clear only those. */
export function createSimulatorControl(simulator: Controlled): (request: ControlRequest) => { status: number; body: object } {
  const handle = ({ method, path, query, body }: ControlRequest): { status: number; body: object } => {
    switch (`${method} ${path}`) {
      case "POST faults":
        simulator.setFault(parseJson(body) as FaultInput);
        return { status: 200, body: { faults: simulator.state().faults } };
      case "GET faults":
        return { status: 200, body: { faults: simulator.state().faults } };
      case "DELETE faults":
        simulator.clearFaults(Object.fromEntries([...query].filter(([name]) => ["vendor", "model", "fault"].includes(name))));
        return { status: 200, body: { faults: simulator.state().faults } };
      case "GET ledger": {
        const { calls, ...books } = simulator.ledger();
        return { status: 200, body: calls === undefined || query.get("calls") === "0" ? books : { ...books, calls } };
      }
      case "GET state":
        return { status: 200, body: simulator.state() };
      case "POST reset":
        simulator.reset();
        return { status: 200, body: simulator.state() };
      default:
        return { status: 404, body: { error: { message: `There is no ${method} /_control/${path}.`, endpoints: ENDPOINTS } } };
    }
  };

  return (request) => {
    try {
      return handle(request);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      return { status: 400, body: { error: { message: error.message, ...(error.hint ? { hint: error.hint } : {}) } } };
    }
  };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new UsageError("the body is not valid JSON");
  }
}
