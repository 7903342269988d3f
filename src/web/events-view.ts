import { askEventsRefusal } from './agent.ts';
import { byId, element, keep, setAttributes, setText } from './dom.ts';
import {
  type Events,
  eventQuery,
  figuresText,
  kindOf,
  lossesText,
  NO_EVENTS,
  type NumberedEvent,
  sourceText,
  withLines,
} from './events.ts';
import { socketText, suffixOf, timeOfDay } from './figures.ts';
import type { EventLine } from './wire.ts';

/** Events come faster than anybody reads: they are shown so often, all that came together. */
const SHOW_MS = 250;
const TYPING_MS = 400;
/** After the agent said no, as one that is still starting does. */
const RETRY_MS = 2000;

/** Shows events while the page is seen and nobody pauses it: only then has the kernel to tell. */
export class EventsView {
  readonly #pause = byId('events-pause', HTMLButtonElement);
  #source: EventSource | undefined;
  #events: Events = NO_EVENTS;
  /** Since when the agent has told, without a gap. */
  #sinceMs = 0;
  #isDue = false;
  #isPaused = false;
  #typing: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#pause.addEventListener('click', () => {
      this.#isPaused = !this.#isPaused;
      setAttributes(this.#pause, { 'aria-pressed': String(this.#isPaused) });
      this.follow();
    });
    const form = byId('events-form', HTMLFormElement);
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('input', () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#anew(), TYPING_MS);
    });
    document.addEventListener('visibilitychange', () => this.follow());
  }

  /** Begins, or ends, as it is wanted now. What was shown stays. */
  follow(): void {
    const isWanted = !this.#isPaused && !document.hidden;
    if (!isWanted) {
      this.#source?.close();
      this.#source = undefined;
      this.#say(this.#isPaused ? 'Paused.' : '');
    } else if (this.#source === undefined) {
      this.#open();
    }
  }

  #anew(): void {
    this.#source?.close();
    this.#source = undefined;
    this.#events = { ...NO_EVENTS, next: this.#events.next };
    this.#show();
    this.follow();
  }

  #open(): void {
    const query = eventQuery({
      outcomes: byId('events-outcome', HTMLSelectElement).value,
      only: byId('events-only', HTMLInputElement).value.trim(),
      from: byId('events-from', HTMLInputElement).value.trim(),
    });
    const source = new EventSource(`/api/events?${query}`);
    this.#source = source;
    source.addEventListener('message', ({ data }: MessageEvent<string>) => {
      this.#events = withLines(this.#events, JSON.parse(data) as readonly EventLine[]);
      this.#showSoon();
    });
    source.addEventListener('open', () => {
      this.#sinceMs = Date.now();
    });
    // The browser asks again by itself, unless the agent said no.
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) void this.#afterRefusal(source, query);
      else this.#say(NO_ANSWER);
    });
  }

  /** Filters that the agent does not take it never will. */
  async #afterRefusal(source: EventSource, query: string): Promise<void> {
    const refusal = await askEventsRefusal(query);
    if (source !== this.#source) return;
    this.#say(refusal?.message ?? NO_ANSWER);
    if (refusal?.isOfQuestion) return;
    setTimeout(() => {
      if (source !== this.#source) return;
      this.#source = undefined;
      this.follow();
    }, RETRY_MS);
  }

  #showSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => {
      this.#isDue = false;
      this.#show();
    }, SHOW_MS);
  }

  #show(): void {
    keep(byId('events', HTMLElement), this.#events.shown, {
      keyOf: ({ number }) => String(number),
      make: newLine,
      update: () => {},
    });
    if (this.#source === undefined) return;
    const isEmpty = this.#events.shown.length === 0;
    this.#say(`${isEmpty ? 'Nothing has happened yet. ' : ''}${lossesText(this.#events.sampling, this.#sinceMs)}`);
  }

  #say(text: string): void {
    setText(byId('events-note', HTMLElement), text);
  }
}

const NO_ANSWER = 'The agent does not answer; trying again.';

const newLine = (event: NumberedEvent): Element => {
  const { atMs, outcome, protocol, from, service, address, port, endpoint } = event;
  const asked = socketText(address, port);
  const arrow = (): Element => element('span', { class: 'arrow', 'aria-label': 'to', role: 'img' }, '→');
  return element(
    'li',
    {},
    element('time', { datetime: new Date(atMs).toISOString() }, timeOfDay(atMs)),
    element('span', { class: `outcome ${kindOf(outcome)}` }, outcome.replaceAll('_', ' ')),
    element(
      'span',
      { class: 'way' },
      sourceText(from),
      arrow(),
      ...(service === undefined ? [] : [element('strong', {}, service), ' ']),
      `${asked}${suffixOf(protocol)}`,
      ...(endpoint === undefined ? [] : [arrow(), socketText(endpoint.address, endpoint.port)]),
    ),
    element('span', { class: 'event-figures' }, figuresText(event)),
  );
};
