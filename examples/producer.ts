// A producer of one's own: rows from wherever they come, into a batch for a fleet that is running.
//
//   export REDIS_URL=redis://127.0.0.1:6379        the Redis of the fleet, for both
//   modelfleet up --config examples/fleet.yaml     in one terminal
//   node examples/producer.ts                      in another (Node 24)
//
// The same batch id with the same rows goes on where an interrupted run stopped; a batch that is finished is left as it is.

// Outside this repository: import { createProducer } from "modelfleet";
import { createProducer } from "../queues/public.ts";

const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());

const producer = await createProducer({
  redisUrl: process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379",
  task: "classify-ticket",
  batch: "tickets-of-today",
  signal: interrupted.signal,
});

try {
  const before = await producer.status();
  if (before?.state === "open" || before?.state === "sealed") {
    // `add` waits while the window is full (5,000 rows enqueued and not yet stored): a source of any size needs no more memory than that.
    for await (const { number, text } of readTickets())
      await producer.add({ id: `ticket-${number}`, input: { text }, tags: { source: "example" } });
    // Tells the fleet how many rows there are: without it, a batch never finishes.
    const rows = await producer.seal();
    console.error(`${rows} rows are in batch ${producer.batch}`);
  }
  for (;;) {
    const status = await producer.status();
    console.error(`${status?.state}: ${status?.answered} answered, ${status?.failed} failed, ${status?.total} in all`);
    if (status?.state === "finished" || status?.state === "cancelled" || interrupted.signal.aborted) break;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  console.error(`answers: modelfleet results ${producer.batch} -o answers.jsonl --config examples/fleet.yaml`);
} finally {
  await producer.stop();
}

/** In place of a database's cursor, a bucket's listing, a crawler. */
async function* readTickets(): AsyncGenerator<{ readonly number: number; readonly text: string }> {
  yield { number: 1, text: "The invoice of last month has the wrong address on it." };
  yield { number: 2, text: "My parcel was said to come on Tuesday, and it is Friday." };
  yield { number: 3, text: "The kettle does not switch off any more." };
}
