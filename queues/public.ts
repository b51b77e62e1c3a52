// The package's public face: what `import … from "modelfleet"` gives.

export { createProducer, type Producer, type ProducerOptions } from "./producer.ts";
export type { RowFields } from "./row-writer.ts";
export type { BatchState, BatchStatus } from "../src/job/batch.ts";
export type { AnsweredResult, ErrorResult, Result } from "../src/job/result.ts";
export type { ComplexityFunction } from "../src/job/analysis.ts";
export type { CheckedAnswer, CheckFunction } from "../src/job/check-spec.ts";
export type { FleetOptions } from "../src/config/fleet-schema.ts";
export { StoppedError, UsageError } from "../src/job/errors.ts";
export { PAYLOAD_VERSION } from "./payload.ts";
