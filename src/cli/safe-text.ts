import { printableName } from '../base/byte-name.ts';

/** Text of others (a host name, a tag, a path) with its control characters escaped: it cannot move the cursor. */
export function safeText(text: string): string {
  return printableName(Buffer.from(text));
}
