// Breadth-first exploration of everything a small model can do: all states, each once, with the shortest way to the first violation.

export interface Move<State> {
  readonly action: string;
  readonly next: State;
  /** What the move itself broke. */
  readonly violation?: string;
}

export interface Model<State> {
  readonly initial: State;
  /** Equal keys mean equal states. */
  key(state: State): string;
  /** Every move, faults included. */
  moves(state: State): readonly Move<State>[];
  /** A property that fails in this state; `atRest` when nothing but a fault could happen any more. */
  violation(state: State, atRest: boolean): string | undefined;
  /** Whether the move is part of the ordinary course (not a fault, not a person's decision). */
  isOrdinary(action: string): boolean;
}

export interface Exploration {
  readonly states: number;
  readonly violation?: { readonly property: string; readonly actions: readonly string[] };
}

/** Visits every reachable state, or stops at the first violation; `seen` is called with each state. */
export function explore<State>(model: Model<State>, seen: (state: State) => void = () => {}): Exploration {
  const known = new Set<string>([model.key(model.initial)]);
  const parents = [-1];
  const actions = [""];
  let frontier: State[] = [model.initial];
  let frontierStart = 0;

  const wayTo = (index: number, last: readonly string[]): string[] => {
    const way = [...last];
    for (let i = index; i > 0; i = parents[i] as number) way.unshift(actions[i] as string);
    return way;
  };

  while (frontier.length > 0) {
    const next: State[] = [];
    for (const [offset, state] of frontier.entries()) {
      const index = frontierStart + offset;
      seen(state);
      const moves = model.moves(state);
      const property = model.violation(state, !moves.some((move) => model.isOrdinary(move.action)));
      if (property) return { states: known.size, violation: { property, actions: wayTo(index, []) } };
      for (const move of moves) {
        if (move.violation) return { states: known.size, violation: { property: move.violation, actions: wayTo(index, [move.action]) } };
        const key = model.key(move.next);
        if (known.has(key)) continue;
        known.add(key);
        parents.push(index);
        actions.push(move.action);
        next.push(move.next);
      }
    }
    frontierStart += frontier.length;
    frontier = next;
  }
  return { states: known.size };
}
