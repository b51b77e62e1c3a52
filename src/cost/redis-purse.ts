// The purse in Redis: one slot for all budgets of the fleet, the reservations of a turn of the event loop in one script.

import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { coalesce } from "../runtime/coalesce.ts";
import { budgetKeys } from "../runtime/keys.ts";
import { runScript } from "../runtime/redis-script.ts";
import { accountsOf, type Account, type BudgetSpec, type Spending } from "./budget.ts";
import type { Purse, Reservation } from "./purse.ts";
import { reserveScript } from "./reserve-script.ts";
import { settleScript } from "./settle-script.ts";

interface Ask {
  readonly reservation: Reservation;
  readonly lifetimeMs: number;
  readonly accounts: readonly Account[];
}

interface Settlement {
  readonly id: string;
  readonly cost: number;
  readonly accounts: readonly Account[];
}

const MOST_ITEMS = 256;
/** Of calls that fall under no budget. */
const NONE: Reservation = { id: "", amountNanoUsd: 0 };

/** The connection stays the caller's to close. Without budgets Redis is never asked. */
export function createRedisPurse({ redis, budgets }: { readonly redis: Redis; readonly budgets: readonly BudgetSpec[] }): Purse {
  const keys = Object.values(budgetKeys);
  const process = randomBytes(6).toString("base64url");
  let asked = 0;

  const reserve = coalesce<Ask, number>(
    (asks) =>
      runScript(redis, reserveScript, keys, [
        JSON.stringify(
          asks.map(({ reservation, lifetimeMs, accounts }) => ({
            id: reservation.id,
            amount: reservation.amountNanoUsd,
            lifetimeMs,
            accounts: accounts.map(({ id, budget, isBinding }) => ({
              id,
              per: budget.per,
              name: budget.name,
              limit: budget.limitNanoUsd,
              isBinding,
            })),
          })),
        ),
      ]),
    { maxItems: MOST_ITEMS },
  );

  const settle = coalesce<Settlement, void>(
    async (items) => {
      const settlements = items.map(({ id, cost, accounts }) => ({
        id,
        cost,
        accounts: accounts.map((each) => ({ id: each.id, per: each.budget.per })),
      }));
      await runScript(redis, settleScript, keys, [JSON.stringify(settlements)]);
      return items.map(() => undefined);
    },
    { maxItems: MOST_ITEMS },
  );

  return {
    async reserve(spending, amountNanoUsd, lifetimeMs) {
      const accounts = accountsOf(budgets, spending);
      if (accounts.length === 0) return { kind: "reserved", reservation: NONE };
      const reservation = { id: `${process}.${asked++}`, amountNanoUsd };
      const short = await reserve({ reservation, lifetimeMs, accounts });
      if (short === 0) return { kind: "reserved", reservation };
      const account = accounts[short - 1] as Account;
      return { kind: "refused", budget: account.budget.name, reason: whyRefused(account, spending) };
    },
    async settle(spending, { id }, cost) {
      const accounts = accountsOf(budgets, spending);
      if (accounts.length > 0) await settle({ id, cost, accounts });
    },
    async release({ id }) {
      if (id !== NONE.id) await settle({ id, cost: 0, accounts: [] });
    },
  };
}

function whyRefused({ budget, id }: Account, { model }: Pick<Spending, "model">): string {
  const { name, action, per } = budget;
  const value = id.slice(name.length + 1);
  const whose = value === "" || value === budget.of ? "" : ` of ${value}`;
  const what = per === "all" ? "is used up" : `is used up for this ${per}`;
  return action === "degrade" ? `budget ${name}${whose} ${what} for models as dear as ${model}` : `budget ${name}${whose} ${what}`;
}
