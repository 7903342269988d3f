import { chartLayout, FOOT, HEAD, seriesText, shownSteps } from './chart.ts';
import { element, onWidth, setAttributes, setText, svgElement } from './dom.ts';
import { duration } from './figures.ts';
import type { Series, SeriesName } from './wire.ts';

export interface ChartPlan {
  readonly title: string;
  readonly series: readonly {
    readonly name: SeriesName;
    readonly label: string;
    readonly style: 'main' | 'other' | 'bad';
    /** Most Service ports have none of it: then nothing is said of it. */
    readonly isRare?: true;
  }[];
  readonly text: (value: number | undefined) => string;
}

const HEIGHT = 120;

/** A chart of the last 15 minutes, with the figures of now, or of where the pointer is, above it. */
export class Chart {
  readonly root: HTMLElement;
  readonly #plan: ChartPlan;
  readonly #drawing: SVGSVGElement;
  readonly #when: HTMLElement;
  readonly #figures: readonly HTMLElement[];
  readonly #legend: readonly HTMLElement[];
  #width = 0;
  #values: readonly (readonly (number | null)[])[] = [];
  #stepMs = 1;
  /** Step under the pointer. */
  #pointed: number | undefined;

  constructor(plan: ChartPlan) {
    this.#plan = plan;
    this.#drawing = svgElement('svg', { class: 'chart', role: 'img', height: HEIGHT });
    this.#when = element('span', { class: 'when' });
    this.#figures = plan.series.map(() => element('b'));
    this.#legend = plan.series.map(({ label, style }, index) =>
      element('span', { class: `legend ${style}` }, `${label} `, this.#figures[index] ?? ''),
    );
    const caption = element(
      'figcaption',
      {},
      element('span', { class: 'title' }, plan.title),
      ...this.#legend,
      this.#when,
    );
    this.root = element('figure', {}, caption, this.#drawing);
    onWidth(this.root, (width) => {
      this.#width = width;
      this.#draw();
    });
    this.#drawing.addEventListener('pointermove', ({ offsetX }) => this.#point(offsetX));
    this.#drawing.addEventListener('pointerleave', () => this.#point(undefined));
  }

  show(series: Series | undefined, stepMs: number): void {
    const values = this.#plan.series.map(({ name, isRare }) => {
      const all = series?.[name] ?? [];
      return isRare && !all.some((value) => value !== null && value > 0) ? [] : all;
    });
    for (const [index, target] of this.#legend.entries())
      target.hidden = this.#plan.series[index]?.isRare === true && values[index]?.length === 0;
    this.#values = shownSteps(values, stepMs);
    this.#stepMs = stepMs;
    this.#draw();
  }

  #point(x: number | undefined): void {
    const steps = this.#values[0]?.length ?? 0;
    this.#pointed = x === undefined || steps === 0 ? undefined : Math.round((x / this.#width) * (steps - 1));
    this.#draw();
  }

  #draw(): void {
    this.#sayFigures();
    if (this.#width === 0) return;
    const { text, title, series } = this.#plan;
    const size = { width: this.#width, height: HEIGHT };
    const layout = chartLayout({ series: this.#values, stepMs: this.#stepMs, text, ...size });
    const said = series.flatMap(({ label }, index) =>
      this.#legend[index]?.hidden ? [] : [`${label}: ${seriesText(this.#values[index] ?? [], text)}`],
    );
    setAttributes(this.#drawing, {
      viewBox: `0 0 ${size.width} ${size.height}`,
      width: size.width,
      'aria-label': `${title}. ${said.join('. ')}`,
    });
    this.#drawing.replaceChildren(
      ...layout.ticks.map(({ at }) => svgElement('line', { class: 'grid', x1: 0, x2: size.width, y1: at, y2: at })),
      svgElement('path', { class: `area ${series[0]?.style}`, d: layout.area }),
      ...layout.lines.map((d, index) => svgElement('path', { class: `line ${series[index]?.style}`, d })),
      ...layout.ticks.slice(1).map(({ at, label }) => svgElement('text', { class: 'tick', x: 0, y: at - 3 }, label)),
      ...layout.times.map(({ at, label }) =>
        svgElement('text', { class: 'tick', x: at, y: HEIGHT - 4, 'text-anchor': anchorAt(at, size.width) }, label),
      ),
      ...this.#pointer(),
    );
  }

  #pointer(): readonly SVGElement[] {
    const steps = this.#values[0]?.length ?? 0;
    if (this.#pointed === undefined || steps < 2) return [];
    const x = (this.#pointed * this.#width) / (steps - 1);
    return [svgElement('line', { class: 'pointer', x1: x, x2: x, y1: HEAD, y2: HEIGHT - FOOT })];
  }

  #sayFigures(): void {
    for (const [index, target] of this.#figures.entries()) {
      const values = this.#values[index] ?? [];
      setText(
        target,
        this.#plan.text((this.#pointed === undefined ? values.at(-1) : values[this.#pointed]) ?? undefined),
      );
    }
    const back = ((this.#values[0]?.length ?? 1) - 1 - (this.#pointed ?? 0)) * this.#stepMs;
    setText(this.#when, this.#pointed === undefined || back === 0 ? '' : `${duration(back)} ago`);
  }
}

const anchorAt = (at: number, width: number): string => {
  if (at < 20) return 'start';
  return at > width - 20 ? 'end' : 'middle';
};
