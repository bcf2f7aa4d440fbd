import type { TimeParts } from '../../base/file-system.ts';
import { parseTimestamp } from '../../repository/format/timestamp.ts';

const nsPerSecond = 1_000_000_000n;
const secondTextLength = 19;
const zero = 0x30;

/** The second that was read last: neighbours in a folder mostly have the same, and a file's two times are equal. */
let lastSecondText = '';
let lastSeconds = 0;

/** A time of a tree, which was checked when the tree was decoded, without a bigint and mostly without a search. */
export function nodeTime(text: string): TimeParts {
  if (!text.endsWith('Z')) return partsOf(parseTimestamp(text));
  const secondText = text.slice(0, secondTextLength);
  if (secondText !== lastSecondText) {
    const milliseconds = Date.parse(`${secondText}Z`);
    if (Number.isNaN(milliseconds)) return partsOf(parseTimestamp(text));
    lastSeconds = milliseconds / 1000;
    lastSecondText = secondText;
  }
  return { seconds: lastSeconds, nanoseconds: nanosecondsOf(text) };
}

/** As stat tells it. */
export function nanosecondsSinceEpoch({ seconds, nanoseconds }: TimeParts): bigint {
  return BigInt(seconds) * nsPerSecond + BigInt(nanoseconds);
}

/** Of the nine digits behind the point; those that are missing are zeros, further ones are cut off. */
function nanosecondsOf(text: string): number {
  let nanoseconds = 0;
  let digits = 0;
  for (let i = secondTextLength + 1; i < text.length - 1 && digits < 9; i++, digits++) {
    nanoseconds = nanoseconds * 10 + text.charCodeAt(i) - zero;
  }
  return nanoseconds * 10 ** (9 - digits);
}

function partsOf(epochNs: bigint): TimeParts {
  const nanoseconds = ((epochNs % nsPerSecond) + nsPerSecond) % nsPerSecond;
  return { seconds: Number((epochNs - nanoseconds) / nsPerSecond), nanoseconds: Number(nanoseconds) };
}
