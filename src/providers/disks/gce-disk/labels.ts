import { DiskError } from '../../../base/errors.ts';
import { field, objectOf, parseJson } from '../../google/json-value.ts';
import type { DiskTags } from '../driver.ts';

/** How a disk or a snapshot carries tags. */
export interface Labelled {
  readonly labels: Record<string, string>;
  /** JSON of the tags that are no labels; empty where all are. */
  readonly description: string;
}

const OURS = 'tranship/';
/** Labels have no slash. */
const OUR_LABELS = 'tranship-';
const LABEL_KEY = /^[a-z][a-z0-9_-]{0,62}$/;
const LABEL_VALUE = /^[a-z0-9_-]{0,63}$/;
const MAX_LABELS = 64;
const MAX_DESCRIPTION = 2048;

/**
 * Tags as labels where Compute Engine's alphabet has them, so that they can be listed by: `tranship/plan` is the label
 * `tranship-plan`, others keep their names. The rest stands in the description as JSON, as Kubernetes' own driver does
 * it. Throws DiskError for more than that takes.
 */
export function labelled(tags: DiskTags, where: string): Labelled {
  const labels: Record<string, string> = {};
  const others: Record<string, string> = {};
  // Ours come first: they are what things are found by.
  const entries = Object.entries(tags).sort(
    ([a], [b]) => Number(b.startsWith(OURS)) - Number(a.startsWith(OURS)),
  );
  for (const [key, value] of entries) {
    const label = labelOf(key, value);
    if (label !== undefined && Object.keys(labels).length < MAX_LABELS) labels[label] = value;
    else others[key] = value;
  }
  const description = Object.keys(others).length === 0 ? '' : JSON.stringify(others);
  if (description.length <= MAX_DESCRIPTION) return { labels, description };
  throw new DiskError('invalid-argument', 'the tags do not fit into labels and description', {
    where,
    advice: `${MAX_DESCRIPTION} characters of JSON are what a description takes: leave some out, or shorten them`,
  });
}

/** The tags that {@link labelled} has put there, and the labels that others have. */
export function tagsOf(found: unknown): DiskTags {
  const labels = textEntries(field(found, 'labels')).map(([label, value]) => [keyOf(label), value] as const);
  const description = field(found, 'description');
  const others = typeof description === 'string' ? textEntries(parseJson(description)) : [];
  return Object.fromEntries([...others, ...labels]);
}

/** An expression of the API's lists that the tags make narrower; undefined where none of them can be a label. */
export function labelFilter(tags: DiskTags): string | undefined {
  const terms = Object.entries(tags).flatMap(([key, value]) => {
    const label = labelOf(key, value);
    return label === undefined ? [] : [`(labels.${label} = "${value}")`];
  });
  return terms.length === 0 ? undefined : terms.join(' ');
}

export function hasTags(found: DiskTags, wanted: DiskTags): boolean {
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(found, key) && found[key] === value);
}

function labelOf(key: string, value: string): string | undefined {
  const label = key.startsWith(OURS) ? `${OUR_LABELS}${key.slice(OURS.length)}` : key;
  // A foreign key that looks like one of ours would come back as ours.
  return LABEL_KEY.test(label) && LABEL_VALUE.test(value) && keyOf(label) === key ? label : undefined;
}

function keyOf(label: string): string {
  return label.startsWith(OUR_LABELS) ? `${OURS}${label.slice(OUR_LABELS.length)}` : label;
}

function textEntries(value: unknown): (readonly [string, string])[] {
  return Object.entries(objectOf(value)).flatMap(([key, text]: [string, unknown]) =>
    typeof text === 'string' ? [[key, text] as const] : [],
  );
}
