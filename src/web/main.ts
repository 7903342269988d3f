import { askHistory, askOverview, NoAnswer, Refusal } from './agent.ts';
import { DetailView } from './detail-view.ts';
import { byId } from './dom.ts';
import { EventsView } from './events-view.ts';
import { createExplain } from './explain-view.ts';
import { timeOfDay } from './figures.ts';
import { createHead } from './head-view.ts';
import { createMap } from './map-view.ts';
import { serviceIn } from './place.ts';
import { createServices } from './services-view.ts';

/** A change of shares is seen within two of these. */
const POLL_MS = 1000;

const head = createHead();
const map = createMap();
const explain = createExplain();
const detail = new DetailView((address) => {
  byId('explain-title', HTMLElement).scrollIntoView({ block: 'nearest' });
  explain(address);
});
const events = new EventsView();
const services = createServices(() => void look());

/** One look at a time; who asks meanwhile gets another one. */
let isLooking = false;
let isWanted = false;
let shownStep = 0;
let answeredMs: number | undefined;
let version: string | undefined;

const look = async (): Promise<void> => {
  isWanted = true;
  if (isLooking) return;
  isLooking = true;
  while (isWanted) {
    isWanted = false;
    await lookOnce();
  }
  isLooking = false;
};

const lookOnce = async (): Promise<void> => {
  try {
    const [overview] = await Promise.all([askOverview(services.search()), detail.showBackends()]);
    answeredMs = Date.now();
    // After an upgrade: it has a page of its own.
    if (version !== undefined && overview.version !== version) location.reload();
    version = overview.version;
    head.show(overview);
    services.show(overview, detail.chosen);
    map.show(overview);
    if (overview.step !== shownStep) {
      const [totals, step] = await Promise.all([askHistory(undefined), detail.showHistory()]);
      head.showTotals(totals);
      shownStep = step ?? 0;
    }
  } catch (error) {
    head.showTrouble(troubleText(error));
    if (!(error instanceof Refusal || error instanceof NoAnswer)) reportError(error);
  }
};

const troubleText = (error: unknown): string => {
  if (error instanceof Refusal) return error.message;
  if (!(error instanceof NoAnswer)) return 'This page met a bug: load it again';
  if (answeredMs === undefined) return 'The agent does not answer; trying again';
  return `The agent has not answered since ${timeOfDay(answeredMs).slice(0, 8)}; trying again`;
};

const choose = (): void => {
  detail.choose(serviceIn(location.hash));
  shownStep = 0;
  void look();
};

/** Nobody looks at a page that is hidden. */
const poll = async (): Promise<void> => {
  if (!document.hidden) await look();
  setTimeout(() => void poll(), POLL_MS);
};

window.addEventListener('hashchange', () => {
  // The way past the head.
  if (location.hash === '#main') return;
  choose();
  byId('detail-title', HTMLElement).focus();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void look();
});
detail.choose(serviceIn(location.hash));
events.follow();
void poll();
