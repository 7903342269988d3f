import type { EventFilter, EventLine, EventView, SamplingView } from '../../src/agent/event-view.ts';
import type { AgentView } from '../../src/agent/view.ts';

/** Everything that is told from now on. */
export class EventLog implements AsyncDisposable {
  readonly events: EventView[] = [];
  /** What was said last of all events. */
  sampling: SamplingView | undefined;
  readonly #stream: ReturnType<AgentView['events']>;
  readonly #ended: Promise<void>;

  constructor(agent: Pick<AgentView, 'events'>, filter: Partial<EventFilter> = {}) {
    this.#stream = agent.events({ outcomes: new Set(), ...filter });
    this.#ended = this.#read();
  }

  /** Takes what was told so far. */
  take(): readonly EventView[] {
    return this.events.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.close();
    await this.#ended;
  }

  async #read(): Promise<void> {
    for await (const lines of this.#stream) for (const line of lines) this.#note(line);
  }

  #note(line: EventLine): void {
    if ('sampling' in line) this.sampling = line;
    else this.events.push(line);
  }
}
