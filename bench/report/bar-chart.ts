/** Bar charts in SVG that can be read on light and on dark pages, with every figure written beside its bar. */

export interface Bar {
  readonly series: string;
  /** Undefined: not measured, and said so. */
  readonly value: number | undefined;
}

export interface BarGroup {
  readonly label: string;
  readonly bars: readonly Bar[];
}

export interface BarPanel {
  readonly title: string;
  readonly groups: readonly BarGroup[];
}

export interface BarChart {
  readonly title: string;
  readonly panels: readonly BarPanel[];
  readonly format: (value: number) => string;
  /** A value with a line through all bars of a panel, and what stands at it. */
  readonly mark?: { readonly value: number; readonly label: string };
  /** Longer bars end here, and their figure tells. */
  readonly longest: number;
}

/** Light and dark; of one hue apart from each other also without colour, by their lightness. */
const palette: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  tranship: ['#0b62c4', '#58a6ff'],
  restic: ['#6e7781', '#8b949e'],
  rustic: ['#b35900', '#e3a04f'],
  kopia: ['#4d7c0f', '#8fbf4d'],
  'kopia-zstd': ['#86198f', '#d68fd6'],
};
const otherColour = ['#57606a', '#b1bac4'] as const;

const width = 760;
const left = 110;
const right = 130;
const barHeight = 11;
const barGap = 2;
const groupGap = 9;
const panelGap = 20;
const titleHeight = 26;

export function barChart(chart: BarChart): string {
  const series = [
    ...new Set(chart.panels.flatMap(({ groups }) => groups.flatMap(({ bars }) => bars.map((b) => b.series)))),
  ];
  const parts: string[] = [];
  let top = titleHeight + 22;
  parts.push(textAt(12, 20, chart.title, 'title'), ...legend(series, titleHeight + 12));
  for (const panel of chart.panels) {
    const { text, height } = panelAt(top, panel, chart, series);
    parts.push(text);
    top += height + panelGap;
  }
  const size = `width="${width}" height="${top}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${width} ${top}" role="img">`,
    `<title>${escape(chart.title)}</title>`,
    `<style>${styleOf(series)}</style>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function panelAt(
  start: number,
  { title, groups }: BarPanel,
  chart: BarChart,
  series: readonly string[],
): { readonly text: string; readonly height: number } {
  const scale = (width - left - right) / chart.longest;
  const parts = [textAt(12, start + 12, title, 'panel')];
  let y = start + 20;
  const firstY = y;
  for (const { label, bars } of groups) {
    const middle = y + (bars.length * (barHeight + barGap)) / 2 + 3;
    parts.push(textAt(left - 8, middle, label, 'label', 'end'));
    for (const { series: name, value } of bars) {
      const length = Math.min(chart.longest, value ?? 0) * scale;
      const colour = `c${series.indexOf(name)}`;
      if (value !== undefined) {
        const box = `x="${left}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}"`;
        parts.push(`<rect class="${colour}" ${box}/>`);
      }
      const figure = value === undefined ? 'not measured' : chart.format(value);
      parts.push(textAt(left + length + 5, y + barHeight - 2, `${figure} ${name}`, 'value'));
      y += barHeight + barGap;
    }
    y += groupGap;
  }
  const { mark } = chart;
  if (mark !== undefined) {
    const x = (left + mark.value * scale).toFixed(1);
    parts.push(`<line class="mark" x1="${x}" x2="${x}" y1="${firstY - 3}" y2="${y - groupGap}"/>`);
    parts.push(textAt(Number(x), firstY - 5, mark.label, 'value', 'middle'));
  }
  return { text: parts.join('\n'), height: y - start };
}

function legend(series: readonly string[], y: number): string[] {
  return series.flatMap((name, index) => {
    const x = 12 + index * 120;
    const box = `x="${x}" y="${y - 9}" width="10" height="10"`;
    return [`<rect class="c${index}" ${box}/>`, textAt(x + 15, y, name, 'label')];
  });
}

function styleOf(series: readonly string[]): string {
  const rules = (shade: 0 | 1): string =>
    series.map((name, index) => `.c${index}{fill:${(palette[name] ?? otherColour)[shade]}}`).join('');
  const font = 'text{font-family:system-ui,sans-serif;fill:#1f2328}';
  const sizes =
    '.title{font-size:15px;font-weight:600}.panel{font-size:13px;font-weight:600}' +
    '.label{font-size:12px}.value{font-size:10px}';
  const mark = '.mark{stroke:#59636e;stroke-dasharray:3 3}';
  const dark = `text{fill:#e6edf3}.mark{stroke:#9198a1}${rules(1)}`;
  return `${font}${sizes}${mark}${rules(0)}@media (prefers-color-scheme:dark){${dark}}`;
}

function textAt(x: number, y: number, text: string, style: string, anchor = 'start'): string {
  const place = `x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"`;
  return `<text class="${style}" ${place}>${escape(text)}</text>`;
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
